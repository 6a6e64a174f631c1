import * as tf from "@tensorflow/tfjs-core"
import type { Parameter } from "../core/parameters.js"
import { withData } from "../engine/readback.js"
import type { Optimizer } from "./optimizer.js"
import { squaredLength } from "./sgd.js"
import { type Losses, type StepFigures, type StepOptions, trainStep } from "./step.js"

/** What a batch is told by: the gradients have a norm where they made an update. */
export type BatchFigures = Pick<StepFigures, "losses"> & Partial<StepFigures>

/**
 * Steps of several batches each: their gradients are averaged, clipped together, and make one update. Where a batch's
 * losses are means over as many values each, that is the update of one batch as large as all of them.
 */
export class AccumulatedSteps {
  readonly #parameters: readonly Parameter[]
  readonly #optimizer: Optimizer
  readonly #sum = new GradientSum()

  constructor(parameters: readonly Parameter[], optimizer: Optimizer) {
    this.#parameters = parameters
    this.#optimizer = optimizer
  }

  /**
   * Adds a batch to the step.
   * @param isLast whether the update follows
   * @returns the batch's losses, as `trainStep`, with the gradients' norm where the update followed
   * @throws DivergedError as `trainStep`; nothing has been changed then
   */
  async add(losses: () => Losses, isLast: boolean, options: StepOptions): Promise<BatchFigures> {
    if (isLast && this.#sum.count === 0) return trainStep(losses, this.#parameters, this.#optimizer, options)
    const unclipped = { ...options, clipNorm: Number.POSITIVE_INFINITY }
    const { losses: values } = await trainStep(losses, this.#parameters, this.#sum, unclipped)
    return isLast ? { losses: values, gradNorm: await this.#update(options) } : { losses: values }
  }

  /** @returns the norm of the mean gradients */
  async #update({ rate, clipNorm }: StepOptions): Promise<number> {
    const gradients = tf.tidy(() => this.#sum.mean())
    try {
      const norm = await withData(
        () => ({ squared: squaredLength(gradients) }),
        ({ squared }) => Math.sqrt(squared.dataSync()[0]!),
      )
      this.#optimizer.apply(gradients, rate, norm > clipNorm ? clipNorm / norm : 1)
      this.#sum.clear()
      return norm
    } finally {
      tf.dispose(gradients)
    }
  }

  dispose(): void {
    this.#sum.clear()
  }
}

/** Takes gradients where an optimizer would apply them. */
class GradientSum implements Pick<Optimizer, "apply"> {
  readonly #sums = new Map<string, tf.Tensor>()
  #count = 0

  get count(): number {
    return this.#count
  }

  apply(gradients: tf.NamedTensorMap): void {
    for (const [name, gradient] of Object.entries(gradients)) {
      const before = this.#sums.get(name)
      this.#sums.set(name, tf.keep(before === undefined ? tf.clone(gradient) : tf.add(before, gradient)))
      before?.dispose()
    }
    this.#count++
  }

  mean(): tf.NamedTensorMap {
    return Object.fromEntries([...this.#sums].map(([name, sum]) => [name, tf.div(sum, this.#count)]))
  }

  clear(): void {
    tf.dispose([...this.#sums.values()])
    this.#sums.clear()
    this.#count = 0
  }
}

/** A batch, and whether it is the last one of its step. */
export type Turn<Batch> = readonly [batch: Batch, isLast: boolean]

/** Batches in steps of `count`; the last step has what is left. Looks one batch ahead, and only where it has to. */
export async function* inSteps<Batch>(
  batches: AsyncIterable<Batch>,
  count: number,
): AsyncGenerator<Turn<Batch>, void, undefined> {
  let held: Batch | undefined
  let place = 0
  for await (const batch of batches) {
    if (held !== undefined) yield [held, false]
    place = (place % count) + 1
    held = place === count ? undefined : batch
    if (held === undefined) yield [batch, true]
  }
  if (held !== undefined) yield [held, true]
}
