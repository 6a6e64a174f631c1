import { DivergedError } from "../core/errors.js"
import { isOutOfMemory, OutOfMemoryError } from "../core/out-of-memory.js"
import { firstFew } from "../core/shown.js"
import type { TrainingTask } from "./training-task.js"

/** An error as it is told, where it comes of a batch: with the step and the batch's images. @param where the step */
export function faultOfBatch<Batch>(
  error: unknown,
  where: string,
  batch: Batch,
  { images, size }: Pick<TrainingTask<Batch>, "images" | "size">,
): unknown {
  if (isOutOfMemory(error)) {
    const { is, lower } = size?.(batch) ?? { is: "a batch", lower: "--batch" }
    return new OutOfMemoryError(`out of memory ${where} with ${is} (${namesOf(images(batch))}). Lower ${lower}`)
  }
  if (!(error instanceof DivergedError)) return error
  return new DivergedError(divergedWith(error.message, where, images(batch)))
}

/** A divergence as it is told. */
export const divergedWith = (what: string, where: string, images: readonly string[]): string =>
  `training diverged ${where}: ${what}, with images ${namesOf(images)}`

/** A batch of a classifier has hundreds. */
const namesOf = (images: readonly string[]) => firstFew(images, 8)

/** What to try after a divergence that going back cannot help. @param retries how often the rate was halved */
export function divergenceAdvice(rate: number, retries: number): string {
  const lr = Number(rate.toPrecision(3))
  if (retries === 0) return `The learning rate was ${lr}; try a lower --lr`
  return `The learning rate was ${lr}, halved ${retries} times; look at the boxes of these images, and try a lower --lr`
}
