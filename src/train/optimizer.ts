import type * as tf from "@tensorflow/tfjs-core"
import type { Parameter } from "../core/parameters.js"
import { AdamW } from "./adamw.js"
import type { AdamWOptions, RateFactors, SgdOptions } from "./options.js"
import { Sgd } from "./sgd.js"

/** What moves the weights. */
export interface Optimizer {
  /**
   * One step down the gradients, which it leaves alone.
   * @param gradients by the variables' own names, as `tf.variableGrads` gives them; what is absent stays
   * @param scale what each gradient is multiplied with first (gradient clipping)
   */
  apply(gradients: tf.NamedTensorMap, rate: number, scale?: number): void
  /** The running moments of the gradients, by name, for a checkpoint; read them, do not change them. */
  readonly moments: ReadonlyMap<string, tf.Tensor>
  /**
   * Goes on with saved moments.
   * @throws Error when they are another model's, or another optimizer's
   */
  restore(moments: ReadonlyMap<string, Float32Array>): void
  dispose(): void
}

/** AdamW where its options are given, else SGD. */
export function createOptimizer(
  parameters: readonly Parameter[],
  { sgd, adamw, rates }: { readonly sgd: SgdOptions; readonly adamw?: AdamWOptions; readonly rates?: RateFactors },
): Optimizer {
  return adamw === undefined ? new Sgd(parameters, sgd, rates) : new AdamW(parameters, adamw, rates)
}
