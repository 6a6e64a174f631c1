import type { ImageRecord } from "../../../datasets/dataset.js"
import type { Loader } from "../../../datasets/loader/loader.js"
import { openSample } from "../../../datasets/open-sample.js"
import { iou } from "../../boxes/iou.js"
import type { Normalisation } from "../../core/normalisation.js"
import type { ImageLocalization } from "../../localize/localize-dataset.js"
import type { DrawnBox } from "../../report/picture.js"
import type { ShownImage } from "../../report/training-pictures.js"
import { drawnTruths, inputImage, type Look, mostOfBatch, mostOfValidation, smallPicture } from "./look.js"

/** What both stages' batches have. */
interface LocalizerBatch {
  readonly pixels: Float32Array
  readonly shape: readonly [number, number, number, number]
  readonly records: readonly ImageRecord[]
  /** Of crops: their truths in input pixels, class by class. */
  readonly truths?: readonly (readonly { readonly label: number; readonly boxes: Float32Array }[])[]
}

/** What was found in each image of a set; undefined where one could not be read. */
type Localized = readonly (ImageLocalization | undefined)[]

/** What a localizer's training shows. @param last what the last validation found */
export function localizerLook(
  loader: Loader<unknown, LocalizerBatch>,
  classes: readonly string[],
  input: Normalisation,
  validation: readonly ImageRecord[] | undefined,
  last: () => Localized | undefined,
): Look {
  return {
    async batch() {
      const batch = await loader.look(mostOfBatch)
      const images = (batch?.records ?? []).slice(0, mostOfBatch).map(async ({ id }, n) => ({
        caption: id,
        picture: await smallPicture(inputImage(batch!, n, input)),
        boxes: (batch!.truths?.[n] ?? []).flatMap(({ label, boxes }) =>
          drawnTruths(
            boxes,
            Array.from({ length: boxes.length / 4 }, () => label),
            classes,
          ),
        ),
      }))
      return await Promise.all(images)
    },
    async validation() {
      const found = last()
      if (validation === undefined || found === undefined) return undefined
      const judged = validation.flatMap((record, i) => (found[i] ? [judge(record, found[i], classes)] : []))
      const ranked = judged.filter(({ boxes }) => boxes.length > 0).sort((a, b) => a.overlap - b.overlap)
      // Of a small set no image is among both.
      const most = Math.min(mostOfValidation, Math.ceil(ranked.length / 2))
      return {
        worst: await shown(ranked.slice(0, most)),
        best: await shown(ranked.slice(Math.max(most, ranked.length - most)).reverse()),
      }
    },
  }
}

interface Judged {
  readonly record: ImageRecord
  readonly boxes: readonly DrawnBox[]
  /** The mean of how well each class's box overlaps a truth, 0..1. */
  readonly overlap: number
}

/** A box is right where it overlaps an object of its class by half. @source ILSVRC localization evaluation */
function judge(record: ImageRecord, { given }: ImageLocalization, classes: readonly string[]): Judged {
  const truths = drawnTruths(record.boxes, record.labels, classes).map((one): DrawnBox => ({ ...one, kind: "found" }))
  const overlaps: number[] = []
  const found = given.map(({ label, box, score }): DrawnBox => {
    const same = Array.from(record.labels, (truth, g) => (truth === label ? iou(box, 0, record.boxes, g) : 0))
    const best = Math.max(0, ...same)
    overlaps.push(best)
    const [drawn] = drawnTruths(box, [label], classes)
    return { ...drawn!, kind: best >= 0.5 ? "right" : "wrong", score }
  })
  const overlap = overlaps.reduce((sum, one) => sum + one, 0) / Math.max(1, overlaps.length)
  return { record, boxes: [...truths, ...found], overlap }
}

async function shown(images: readonly Judged[]): Promise<ShownImage[]> {
  const pictures: ShownImage[] = []
  for (const { record, boxes, overlap } of images) {
    const { image } = await openSample(record)
    if (image === undefined) continue
    pictures.push({ caption: `${record.id}: IoU ${overlap.toFixed(2)}`, picture: await smallPicture(image), boxes })
  }
  return pictures
}
