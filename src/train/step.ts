import * as tf from "@tensorflow/tfjs-core"
import { DivergedError } from "../tensor/errors.js"
import type { Parameter } from "../tensor/parameters.js"
import { globalNorm, type Sgd } from "./sgd.js"

/** The losses of one step by their names, each a scalar; their sum is what is trained. */
export type Losses = Readonly<Record<string, tf.Scalar>>

/** Tells that a phase of the step has ended; benchmarks take the time there. */
export type Lap = (phase: string) => void

export interface StepOptions {
  readonly rate: number
  /** Gradients longer than this, taken together, are scaled down to it; `Infinity` for none. */
  readonly clipNorm: number
  readonly lap?: Lap
}

/**
 * One step of training: the losses, their gradients, the update. No tensor is left behind.
 * @param losses makes the losses; it runs under the gradient tape
 * @returns each loss's value, and their sum as `loss`
 * @throws DivergedError, before anything is changed, when a loss or the gradients' norm is not finite
 */
export function trainStep(
  losses: () => Losses,
  parameters: readonly Parameter[],
  optimizer: Pick<Sgd, "apply">,
  { rate, clipNorm, lap = () => {} }: StepOptions,
): Record<string, number> {
  return tf.tidy(() => {
    let parts: Losses = {}
    const total = (): tf.Scalar => {
      parts = losses()
      for (const part of Object.values(parts)) tf.keep(part)
      lap("losses")
      return tf.addN(Object.values(parts)) as tf.Scalar
    }
    const { value, grads } = tf.variableGrads(
      total,
      parameters.map(({ variable }) => variable),
    )
    const values = readLosses(parts, value)
    lap("backward")
    const norm = globalNorm(grads)
    if (!Number.isFinite(norm)) throw new DivergedError("the gradients are not finite")
    optimizer.apply(grads, rate, norm > clipNorm ? clipNorm / norm : 1)
    lap("update")
    return values
  })
}

function readLosses(parts: Losses, total: tf.Scalar): Record<string, number> {
  const names = Object.keys(parts)
  const numbers = tf.stack([...Object.values(parts), total]).dataSync()
  tf.dispose(Object.values(parts))
  const values: Record<string, number> = { loss: numbers[names.length]! }
  names.forEach((name, i) => {
    if (!Number.isFinite(numbers[i])) throw new DivergedError(`${name} is ${numbers[i]}`)
    values[name] = numbers[i]!
  })
  return values
}
