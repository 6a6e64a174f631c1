import type { LabelledSet } from "../../../datasets/labelled-set.js"
import type { ClassificationBatch } from "../../../datasets/loader/classification-loader.js"
import type { Loader } from "../../../datasets/loader/loader.js"
import type { ScoredSet } from "../../classify/evaluate.js"
import type { Normalisation } from "../../core/normalisation.js"
import { bestClasses, rowOf } from "../../eval/classification.js"
import type { ShownImage } from "../../report/training-pictures.js"
import { inputImage, type Look, mostOfBatch, mostOfValidation, smallPicture } from "./look.js"

/** What a classifier's training shows. @param last what the last validation scored */
export function classifierLook(
  loader: Loader<number, ClassificationBatch>,
  training: LabelledSet,
  input: Normalisation,
  validation: LabelledSet | undefined,
  last: () => ScoredSet | undefined,
): Look {
  return {
    async batch() {
      const batch = await loader.look(mostOfBatch)
      const images = (batch?.images ?? []).map(async (image, n) => ({
        caption: `${training.name(image)}: ${training.classes[batch!.labels[n]!]}`,
        picture: await smallPicture(inputImage(batch!, n, input)),
        boxes: [],
      }))
      return await Promise.all(images)
    },
    async validation() {
      const scored = last()
      if (validation === undefined || scored === undefined) return undefined
      const said = answersOf(scored, validation.classes.length)
      const surest = (some: readonly Answer[]) => [...some].sort((a, b) => b.score - a.score).slice(0, mostOfValidation)
      return {
        worst: await shown(validation, surest(said.filter(({ label, truth }) => label !== truth))),
        best: await shown(validation, surest(said.filter(({ label, truth }) => label === truth))),
      }
    },
  }
}

/** The class that scored best in an image; classes from 0. */
interface Answer {
  readonly image: number
  readonly truth: number
  readonly label: number
  readonly score: number
}

function answersOf({ scores, labels, images }: ScoredSet, classes: number): Answer[] {
  return Array.from(images, (image, i) => {
    const own = rowOf(scores, i, classes)
    const label = bestClasses(own, 1)[0]!
    return { image, truth: labels[i]!, label, score: own[label]! }
  })
}

async function shown(set: LabelledSet, answers: readonly Answer[]): Promise<ShownImage[]> {
  const images = answers.map(async ({ image, truth, label, score }) => {
    const said = `${set.classes[label]} ${score.toFixed(2)}`
    const caption =
      label === truth ? `${set.name(image)}: ${said}` : `${set.name(image)}: ${said}, is ${set.classes[truth]}`
    return { caption, picture: await smallPicture(await set.image(image)), boxes: [] }
  })
  return await Promise.all(images)
}
