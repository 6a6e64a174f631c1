import * as tf from "@tensorflow/tfjs-core"
import { DivergedError } from "../core/errors.js"
import type { Parameter } from "../core/parameters.js"
import { awaitReadback } from "../engine/readback.js"
import { type BatchGradients, type Losses, tapeGradients } from "./gradients.js"
import type { Optimizer } from "./optimizer.js"

/** Is told that a phase of the step has ended; benchmarks take the time there. */
type OnPhase = (phase: string) => void

export interface StepOptions {
  readonly rate: number
  /** Gradients longer than this, taken together, are scaled down to it; `Infinity` for none. */
  readonly clipNorm: number
  readonly onPhase?: OnPhase
  /** Makes the losses and their gradients in the tape's place. */
  readonly gradients?: (() => BatchGradients) | undefined
}

/** What a step is told by. */
export interface StepFigures {
  readonly losses: Readonly<Record<string, number>>
  /** The length of all gradients as one vector. */
  readonly gradNorm: number
}

/**
 * One step of training: the losses, their gradients, the update. No tensor is left behind.
 * @param losses makes the losses; it runs under the gradient tape
 * @returns each loss's value, their sum as `loss`, and the norm of the gradients, before they were clipped
 * @throws DivergedError, before anything is changed, when a loss or the gradients' norm is not finite
 */
export async function trainStep(
  losses: () => Losses,
  parameters: readonly Parameter[],
  optimizer: Pick<Optimizer, "apply">,
  { rate, clipNorm, onPhase = () => {}, gradients: make }: StepOptions,
): Promise<StepFigures> {
  const { names, figures, gradients } = make?.() ?? tapeGradients(losses, parameters, { onPhase })
  try {
    await awaitReadback([figures])
    const numbers = figures.dataSync()
    onPhase("backward")
    const values: Record<string, number> = { loss: numbers[names.length]! }
    names.forEach((name, i) => {
      if (!Number.isFinite(numbers[i])) throw new DivergedError(`${name} is ${numbers[i]}`)
      values[name] = numbers[i]!
    })
    const norm = Math.sqrt(numbers[names.length + 1]!)
    if (!Number.isFinite(norm)) throw new DivergedError("the gradients are not finite")
    optimizer.apply(gradients, rate, norm > clipNorm ? clipNorm / norm : 1)
    onPhase("update")
    return { losses: values, gradNorm: norm }
  } finally {
    figures.dispose()
    tf.dispose(gradients)
  }
}
