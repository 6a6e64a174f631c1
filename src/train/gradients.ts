import * as tf from "@tensorflow/tfjs-core"
import type { Parameter } from "../core/parameters.js"
import type { Precision } from "../engine/names.js"
import { recorded } from "../engine/recorded.js"
import { squaredLength } from "./sgd.js"

/** The losses of one step by their names, each a scalar; their sum is what is trained. */
export type Losses = Readonly<Record<string, tf.Scalar>>

/** What a batch asks of the weights, before anything moves. It holds tensors. */
export interface BatchGradients {
  readonly names: readonly string[]
  /** Each loss, their sum, and the squared length of all gradients, to be read at once. */
  readonly figures: tf.Tensor1D
  /** By the variables' own names, one for each parameter that trains. */
  readonly gradients: tf.NamedTensorMap
}

interface TapeOptions {
  /** Is told when the losses are made. */
  readonly onPhase?: (phase: string) => void
  /** Gradients that were made in another way, by the variables' names. */
  readonly others?: () => tf.NamedTensorMap
}

/** One gradient tape around the losses. */
export function tapeGradients(
  losses: () => Losses,
  parameters: readonly Parameter[],
  { onPhase = () => {}, others = () => ({}) }: TapeOptions = {},
): BatchGradients {
  let names: string[] = []
  const tensors = tf.tidy(() => {
    let parts: tf.Scalar[] = []
    const total = (): tf.Scalar => {
      const named = losses()
      names = Object.keys(named)
      parts = Object.values(named).map((part) => tf.keep(part))
      onPhase("losses")
      return tf.addN(parts)
    }
    const variables = parameters.map(({ variable }) => variable)
    const { value, grads } = tf.variableGrads(total, variables)
    // What this step's losses did not reach has a gradient too: it coasts and decays as the rest.
    const all = { ...others(), ...grads }
    const gradients = Object.fromEntries(
      variables.map((variable) => [variable.name, all[variable.name] ?? tf.zerosLike(variable)]),
    )
    const figures = tf.stack([...parts, value, squaredLength(gradients)]) as tf.Tensor1D
    tf.dispose(parts)
    return { figures, gradients }
  })
  return { names, ...tensors }
}

/** What work makes of its inputs: losses, and what else the step is told by. */
interface Forward {
  readonly losses: Losses
  readonly beside?: readonly tf.Tensor[]
}

/**
 * A step's losses and gradients as one recorded function, see `recorded`: the same bits as `tapeGradients` of the same work.
 * @param forward reads its inputs and variables alone; it may assign those that do not train, as running statistics
 * @param parameters asked for at the first step: what trains
 */
export function recordedGradients<Inputs extends readonly tf.Tensor[]>(
  forward: (...inputs: Inputs) => Forward,
  parameters: () => readonly Parameter[],
  precision: Precision = "float32",
): (...inputs: Inputs) => BatchGradients & { readonly beside: readonly tf.Tensor[] } {
  let names: readonly string[] = []
  let trained: readonly Parameter[] | undefined
  const run = recorded((...inputs: Inputs) => {
    let beside: readonly tf.Tensor[] = []
    const losses = () => {
      const made = forward(...inputs)
      beside = (made.beside ?? []).map((tensor) => tf.keep(tensor.clone()))
      return made.losses
    }
    trained ??= parameters()
    const tape = tapeGradients(losses, trained)
    names = tape.names
    return [tape.figures, ...trained.map(({ variable }) => tape.gradients[variable.name]!), ...beside]
  }, precision)
  return (...inputs) => {
    const [figures, ...others] = run(...inputs)
    const gradients = trained!.map(({ variable }, i) => [variable.name, others[i]!] as const)
    return {
      names,
      figures: figures as tf.Tensor1D,
      gradients: Object.fromEntries(gradients),
      beside: others.slice(gradients.length),
    }
  }
}
