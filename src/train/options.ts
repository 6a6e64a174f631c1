import { fraction, withDefaults } from "../core/options.js"

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

export interface AverageOptions {
  /** How much of the average each step keeps, once the run is long under way. */
  readonly decay: number
  /** In about so many steps the decay rises from 0 to its full value. */
  readonly ramp: number
}

/** @source Ultralytics `ModelEMA` */
export const averageDefaults: AverageOptions = { decay: 0.9999, ramp: 2000 }
