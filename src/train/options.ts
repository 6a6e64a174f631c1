import { fraction, withDefaults } from "../core/options.js"
import type { Parameter } from "../core/parameters.js"

export interface SgdOptions {
  readonly momentum: number
  /** Pull towards 0 on filters and matrices; biases and norms do not decay. */
  readonly weightDecay: number
}

/** @source torchvision's detection reference, detectron2: momentum 0.9, weight decay 1e-4 */
export const sgdDefaults: SgdOptions = { momentum: 0.9, weightDecay: 1e-4 }

/** @throws UsageError for an unknown option or a value out of range */
export const sgdOptions = (overrides: Partial<SgdOptions> = {}): SgdOptions =>
  withDefaults("sgdOptions", sgdDefaults, overrides, { momentum: fraction, weightDecay: fraction })

export interface AdamWOptions {
  /** How much of the mean and of the mean square of the gradients a step keeps. */
  readonly betas: readonly [mean: number, square: number]
  readonly epsilon: number
  /** Pull towards 0 on filters and matrices; biases and norms do not decay. */
  readonly weightDecay: number
}

/** @source PyTorch `torch.optim.AdamW` (betas, epsilon); DETR `main.py` (weight decay) */
export const adamwDefaults: AdamWOptions = { betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 1e-4 }

/** The learning rate of a detector that AdamW trains, whatever its batch. @source DETR `main.py`, 16 images a step */
export const adamwRate = 1e-4

/** Whether weight decay pulls at a parameter. */
export const decays = ({ kind }: Pick<Parameter, "kind">): boolean => kind === "conv" || kind === "linear"

/** What the learning rate is multiplied with for a parameter. */
export type RateFactors = (parameter: Pick<Parameter, "name" | "kind">) => number

export const evenRates: RateFactors = () => 1

export interface AverageOptions {
  /** How much of the average each step keeps, once the run is long under way. */
  readonly decay: number
  /** In about so many steps the decay rises from 0 to its full value. */
  readonly ramp: number
}

/** @source Ultralytics `ModelEMA` */
export const averageDefaults: AverageOptions = { decay: 0.9999, ramp: 2000 }
