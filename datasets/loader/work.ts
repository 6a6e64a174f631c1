import { type OpenOptions, openSample, type Photo, type PhotoProblem } from "../open-sample.js"
import { makeClassificationInputs } from "./classification-inputs.js"
import { makeDetectionInputs } from "./detection-inputs.js"

interface CheckJob extends OpenOptions {
  readonly photos: readonly Photo[]
}

async function checkPhotos({ photos, ...options }: CheckJob): Promise<(readonly PhotoProblem[])[]> {
  const problems: (readonly PhotoProblem[])[] = []
  for (const photo of photos) problems.push((await openSample(photo, options)).problems)
  return problems
}

/** What a worker thread can be asked to do, by name. */
export const work = {
  detection: makeDetectionInputs,
  classification: makeClassificationInputs,
  check: checkPhotos,
} as const
