import type { Weights } from "../core/parameters.js"
import { batchNormEpsilon } from "../engine/ops/batch-norm.js"
import type { NormKind } from "../layers/ops.js"
import type { Weight } from "./axes.js"

/**
 * The batch norm behind a convolution by torchvision's names: `conv2` has `bn2`, `downsample.0` has `downsample.1`, and so
 * have the layers of a pyramid and of a head with convolutions, where these have norms at all.
 */
export function normOf(conv: string): string | undefined {
  const match = /^(.*\.|)(?:conv(\d+)|(downsample|(?:inner_blocks|layer_blocks|box_head)\.\d)\.0)$/.exec(conv)
  if (!match) return undefined
  return match[2] === undefined ? `${match[1]}${match[3]}.1` : `${match[1]}bn${match[2]}`
}

/**
 * Weights (our axes) as a model with other norms wants them. `kindOf` tells each convolution's norm in the model, if any.
 * - `frozen`: a batch norm with its statistics is folded into weight and bias
 * - `batch`, `unfolded`: a convolution's bias, as folded files have it, becomes a batch norm that only adds it; before a norm of
 *   its own it becomes part of that
 * - `group`: a batch norm's values are left out, as they mean nothing to a group norm
 * @param epsilon what the batch norms of `weights` add to their variance
 */
export function adaptNorms(
  weights: Weights,
  kindOf: (conv: string) => NormKind | undefined,
  epsilon: number = batchNormEpsilon,
): Weights {
  const adapted = new Map(weights)
  for (const [name, filter] of weights) {
    const conv = name.endsWith(".weight") && filter.shape.length === 4 ? name.slice(0, -".weight".length) : ""
    const norm = normOf(conv)
    if (norm === undefined) continue
    const kind = kindOf(conv)
    const statistics = weights.has(`${norm}.running_mean`) && weights.has(`${norm}.running_var`)
    if (kind === "frozen" && statistics) fold(adapted, conv, norm, epsilon)
    if (kind === "batch" || kind === "unfolded") {
      if (statistics) keep(adapted, conv, norm, epsilon)
      else if (weights.has(`${conv}.bias`) && !weights.has(`${norm}.weight`)) unfold(adapted, conv, norm)
    }
    if (kind === "group" && statistics) for (const part of normParts) adapted.delete(`${norm}.${part}`)
  }
  return adapted
}

const normParts = ["weight", "bias", "running_mean", "running_var"] as const

function fold(weights: Map<string, Weight>, conv: string, norm: string, epsilon: number): void {
  const filter = weights.get(`${conv}.weight`)!
  const [scale, offset, mean, variance] = normParts.map((part) => weights.get(`${norm}.${part}`)?.values)
  const out = filter.shape[3]!
  const factor = Float64Array.from(
    { length: out },
    (_, channel) => (scale?.[channel] ?? 1) / Math.sqrt(variance![channel]! + epsilon),
  )
  const own = weights.get(`${conv}.bias`)?.values
  const bias = Float32Array.from(
    factor,
    (by, channel) => (offset?.[channel] ?? 0) + ((own?.[channel] ?? 0) - mean![channel]!) * by,
  )
  const values = filter.values.map((value, at) => value * factor[at % out]!)
  weights.set(`${conv}.weight`, { shape: filter.shape, values })
  weights.set(`${conv}.bias`, { shape: [out], values: bias })
  for (const part of normParts) weights.delete(`${norm}.${part}`)
}

/** A norm behind a convolution with a bias, or that adds another number to its variance, says the same as ours. */
function keep(weights: Map<string, Weight>, conv: string, norm: string, epsilon: number): void {
  const change = (part: string, changed: (value: number, channel: number) => number) => {
    const { shape, values } = weights.get(`${norm}.${part}`)!
    weights.set(`${norm}.${part}`, { shape, values: values.map(changed) })
  }
  const own = weights.get(`${conv}.bias`)?.values
  if (own !== undefined) change("running_mean", (mean, channel) => mean - own[channel]!)
  if (epsilon !== batchNormEpsilon) change("running_var", (variance) => variance + epsilon - batchNormEpsilon)
  weights.delete(`${conv}.bias`)
}

function unfold(weights: Map<string, Weight>, conv: string, norm: string): void {
  const bias = weights.get(`${conv}.bias`)!
  const every = (value: number): Weight => ({
    shape: bias.shape,
    values: new Float32Array(bias.values.length).fill(value),
  })
  weights.set(`${norm}.weight`, every(1))
  weights.set(`${norm}.bias`, bias)
  weights.set(`${norm}.running_mean`, every(0))
  weights.set(`${norm}.running_var`, every(1 - batchNormEpsilon))
  weights.delete(`${conv}.bias`)
}

/** Names of the batch norms that only add, as `adaptNorms` makes them for convolutions with a bias. */
export function foldedNorms(weights: Weights): string[] {
  const folded = Math.fround(1 - batchNormEpsilon)
  const ending = ".running_var"
  return [...weights].flatMap(([name, { values }]) =>
    name.endsWith(ending) && values.every((value) => value === folded) ? [name.slice(0, -ending.length)] : [],
  )
}
