import * as tf from "@tensorflow/tfjs-core"
import type { Parameter } from "../core/parameters.js"
import type { Cluster } from "../engine/cluster.js"
import { withData } from "../engine/readback.js"
import type { Losses } from "./gradients.js"
import { statisticsToSum, takeMeans } from "./moving-statistics.js"
import type { Optimizer } from "./optimizer.js"
import { squaredLength } from "./sgd.js"
import { type StepFigures, type StepOptions, trainStep } from "./step.js"

/** What a batch is told by: the gradients have a norm where they made an update. */
export type BatchFigures = Pick<StepFigures, "losses"> & Partial<StepFigures>

/** What a batch is told by, also to the processes that have the others of its step. */
export interface ToldBatch {
  readonly place: number
  readonly waited: number
  readonly figures: Readonly<Record<string, number>>
  /** Its images, to name them when something goes wrong. */
  readonly images: readonly string[]
  /** Why it diverged, if it did. */
  readonly diverged?: string
}

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

  /**
   * Ends a step whose batches are spread over processes: their gradients are added up, and each process makes the same update.
   * @param share how many batches the step has in all, how many processes have one, and the running statistics to average
   * @returns the norm of the mean gradients
   */
  async updateTogether(
    cluster: Pick<Cluster, "sum">,
    share: { readonly batches: number; readonly active: number; readonly statistics: ReadonlyMap<string, tf.Variable> },
    options: StepOptions,
  ): Promise<number> {
    const hasBatch = this.#sum.count > 0
    const zeros = tf.tidy(() => ({
      ...(hasBatch
        ? {}
        : Object.fromEntries(this.#parameters.map(({ variable }) => [variable.name, tf.zerosLike(variable)]))),
      ...(hasBatch ? {} : statisticsToSum(share.statistics, false)),
    }))
    const own = hasBatch ? { ...this.#sum.sums, ...statisticsToSum(share.statistics, true) } : zeros
    const sums = await cluster.sum(own).finally(() => tf.dispose(zeros))
    takeMeans(share.statistics, sums, share.active)
    const gradients = tf.tidy(() =>
      meansOf(
        this.#parameters.map(({ variable }) => variable.name),
        sums,
        share.batches,
      ),
    )
    tf.dispose(sums)
    return this.#apply(gradients, options)
  }

  #update(options: StepOptions): Promise<number> {
    const { sums, count } = this.#sum
    return this.#apply(
      tf.tidy(() => meansOf(Object.keys(sums), sums, count)),
      options,
    )
  }

  /** @returns the gradients' norm */
  async #apply(gradients: tf.NamedTensorMap, { rate, clipNorm }: StepOptions): Promise<number> {
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

  get sums(): tf.NamedTensorMap {
    return Object.fromEntries(this.#sums)
  }

  clear(): void {
    tf.dispose([...this.#sums.values()])
    this.#sums.clear()
    this.#count = 0
  }
}

const meansOf = (names: readonly string[], sums: tf.NamedTensorMap, count: number): tf.NamedTensorMap =>
  Object.fromEntries(names.map((name) => [name, tf.div(sums[name]!, count)]))
