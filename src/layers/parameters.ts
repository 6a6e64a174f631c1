import { constant, heNormal, type Initializer } from "../core/initializers.js"
import type { ParameterKind, Scope } from "../core/parameters.js"
import type { ConvOptions, LayerSpec, LinearSpec, Ops } from "./ops.js"

/** A parameter that a description asks for. */
export interface ParameterSpec {
  /** Such as `layer1.0.conv1.weight`. */
  readonly name: string
  readonly kind: ParameterKind
  readonly shape: readonly number[]
  readonly initialize: Initializer
  readonly trainable: boolean
}

/** The parameters of a description, in the order in which it first uses them; no engine is needed. */
export function parameterSpecs(describe: (ops: Ops<null>) => unknown): ParameterSpec[] {
  const found = new Map<string, ParameterSpec>()
  describe(collecting(found, "", false))
  return [...found.values()]
}

/** Creates the parameters of a description in a scope. */
export function createParameters(scope: Scope, describe: (ops: Ops<null>) => unknown): void {
  for (const { name, kind, shape, initialize, trainable } of parameterSpecs(describe)) {
    scope.create(name, kind, shape, initialize)
    if (!trainable) scope.parameters.get(scope.prefix + name)!.trainable = false
  }
}

function collecting(found: Map<string, ParameterSpec>, prefix: string, frozen: boolean): Ops<null> {
  const add = (name: string, kind: ParameterKind, shape: readonly number[], initialize: Initializer, learns = true) => {
    const full = prefix + name
    if (found.has(full)) return
    found.set(full, { name: full, kind, shape, initialize, trainable: learns && !frozen && kind !== "statistic" })
  }
  const nothing = () => null
  return {
    in: (part) => collecting(found, `${prefix}${part}.`, frozen),
    frozen: () => collecting(found, prefix, true),
    conv(_, { conv, norm: name, kernel, in: channels, out }: LayerSpec, { norm, initialize = heNormal }: ConvOptions) {
      add(`${conv}.weight`, "conv", [kernel, kernel, channels, out], initialize)
      if (norm === "none" || norm === "frozen") add(`${conv}.bias`, "bias", [out], constant(0), norm === "none")
      else {
        add(`${name}.weight`, "norm", [out], constant(1), norm !== "unfolded")
        add(`${name}.bias`, "norm", [out], constant(0), norm !== "unfolded")
      }
      if (norm === "batch" || norm === "unfolded") {
        add(`${name}.running_mean`, "statistic", [out], constant(0))
        add(`${name}.running_var`, "statistic", [out], constant(1))
      }
      return null
    },
    linear(_, { name, in: inputs, out, initialize, initializeBias = constant(0) }: LinearSpec) {
      add(`${name}.weight`, "linear", [inputs, out], initialize)
      add(`${name}.bias`, "bias", [out], initializeBias)
      return null
    },
    relu: nothing,
    add: nothing,
    maxPool: nothing,
    subsample: nothing,
    padChannels: nothing,
    secondLessFirst: nothing,
    upsample: nothing,
    averagePool: nothing,
    flatten: nothing,
  }
}
