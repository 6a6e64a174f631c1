import type { Dataset } from "../../../datasets/dataset.js"
import type { DetectionBatch } from "../../../datasets/loader/detection-loader.js"
import type { Loader } from "../../../datasets/loader/loader.js"
import { openSample } from "../../../datasets/open-sample.js"
import type { Normalisation } from "../../core/normalisation.js"
import { DetectionEvaluator } from "../../eval/evaluator.js"
import type { ExampleImage } from "../../eval/examples.js"
import type { ShownImage } from "../../report/training-pictures.js"
import { recordPhotos } from "../truth-photos.js"
import { drawnTruths, inputImage, type Look, mostOfBatch, mostOfValidation, smallPicture } from "./look.js"

/** What a detector's training shows. @param last the evaluator of the last validation */
export function detectorLook(
  loader: Loader<unknown, DetectionBatch>,
  classes: readonly string[],
  input: Normalisation,
  validation: Dataset | undefined,
  last: () => DetectionEvaluator | undefined,
): Look {
  return {
    async batch() {
      const batch = await loader.look(mostOfBatch)
      const images = (batch?.images ?? []).map(async (image, n) => ({
        caption: image.record.id,
        picture: await smallPicture(inputImage(batch!, n, input, image)),
        boxes: drawnTruths(image.boxes, image.labels, classes),
      }))
      return await Promise.all(images)
    },
    async validation() {
      const evaluator = last()
      if (validation === undefined || evaluator === undefined) return undefined
      const looked = DetectionEvaluator.of(validation, { examples: 1, images: mostOfValidation })
      looked.merge(evaluator)
      const { worst = [], best = [] } = looked.report().examples ?? {}
      const findPhoto = recordPhotos(validation.images)
      return { worst: await shownImages(worst, findPhoto), best: await shownImages(best, findPhoto) }
    },
  }
}

async function shownImages(
  images: readonly ExampleImage[],
  findPhoto: ReturnType<typeof recordPhotos>,
): Promise<ShownImage[]> {
  const shown: ShownImage[] = []
  for (const { imageId, name, right, wrong, missed, boxes } of images) {
    const photo = findPhoto({ imageId, name })
    const pixels = photo && (await openSample(photo)).image
    if (pixels === undefined) continue
    const caption = `${name}: ${right} right, ${wrong} wrong, ${missed} missed`
    shown.push({ caption, picture: await smallPicture(pixels), boxes })
  }
  return shown
}
