import type { ImageRecord } from "../../datasets/dataset.js"
import type { RgbImage } from "../../datasets/image/rgb.js"
import { openSamples } from "../../datasets/open-samples.js"
import type { PhotoFaults } from "../../datasets/photo-faults.js"
import { type LocalizedObject, type LocalizeOptions, type Localizer, localize } from "./localizer.js"
import { classTruths } from "./truths.js"

/** An image classifier's word: labels 1..K, the best first; the localization task counts the first five. */
export type GuessClasses = (image: RgbImage) => Promise<readonly number[]>

/** What was found in one image of a set. */
export interface ImageLocalization {
  /** A box for each class that is there (the ground-truth classes are given). */
  readonly given: readonly LocalizedObject[]
  /** A box for each class the classifier guesses, in its order; `undefined` without a classifier. */
  readonly guessed: readonly LocalizedObject[] | undefined
  /** Of the image, in image pixels. */
  readonly height: number
  readonly width: number
}

export interface DatasetLocalizations {
  /** One entry an image; `undefined` where it could not be read, or came after the end. */
  readonly perImage: readonly (ImageLocalization | undefined)[]
  readonly failed: readonly { readonly file: string; readonly message: string }[]
}

/**
 * Localizes in the images of a set, with the ground-truth classes and, given a classifier, with guessed ones.
 * @param faults takes what is wrong with the images
 * @param signal ends it early
 */
export async function localizeDataset(
  localizer: Localizer | readonly Localizer[],
  images: readonly ImageRecord[],
  options: LocalizeOptions,
  {
    guess,
    faults,
    signal,
    onImage,
  }: {
    guess?: GuessClasses | undefined
    faults?: PhotoFaults
    signal?: AbortSignal
    onImage?: (done: number) => void
  } = {},
): Promise<DatasetLocalizations> {
  const perImage: (ImageLocalization | undefined)[] = images.map(() => undefined)
  const failed: { file: string; message: string }[] = []
  for await (const { record, index, image, problems } of openSamples(images, faults && { faults })) {
    if (signal?.aborted) break
    if (image !== undefined) perImage[index] = await localizeImage(localizer, image, record, options, guess)
    else failed.push({ file: record.file, message: problems[0]!.message })
    onImage?.(index + 1)
  }
  return { perImage, failed }
}

/** A class that is both there and guessed is looked for once. */
async function localizeImage(
  localizer: Localizer | readonly Localizer[],
  image: RgbImage,
  record: ImageRecord,
  options: LocalizeOptions,
  guess: GuessClasses | undefined,
): Promise<ImageLocalization> {
  const present = classTruths(record).map(({ label }) => label)
  const guesses = await guess?.(image)
  const labels = [...new Set([...present, ...(guesses ?? [])])]
  const found = new Map((await localize(localizer, image, labels, options)).map((one) => [one.label, one]))
  const boxesOf = (wanted: readonly number[]) => wanted.flatMap((label) => found.get(label) ?? [])
  const { height, width } = image
  return { given: boxesOf(present), guessed: guesses && boxesOf(guesses), height, width }
}
