import * as tf from "@tensorflow/tfjs-core"
import type { Initializer } from "./initializers.js"
import type { Random } from "./random.js"

/**
 * What a parameter is, which decides how it is stored in files (PyTorch's axis order) and whether it decays:
 * `conv` filters `[kh, kw, in, out]` (in files OIHW), `linear` matrices `[in, out]` (in files `[out, in]`), `bias` and
 * `norm` vectors `[C]` (never decay), `statistic` vectors `[C]` (running means and variances, never trained).
 */
export type ParameterKind = "conv" | "linear" | "bias" | "norm" | "statistic"

export interface Parameter {
  /** Torchvision's name, such as `backbone.layer1.0.conv1.weight`. */
  readonly name: string
  readonly kind: ParameterKind
  readonly variable: tf.Variable
  /** False for statistics and for what `freeze` froze. */
  trainable: boolean
}

/** Values by name in our axis order, float32, as a weights file gives them. */
export type Weights = ReadonlyMap<string, { readonly shape: readonly number[]; readonly values: Float32Array }>

/**
 * All parameters of a model, by name. A part of the model asks its scope for what it needs; where `weights` holds a
 * value of that name and shape it is taken, else the initializer makes one. `loaded`, `initialised` and `unused()` then
 * tell what came from where.
 */
export class Parameters implements Iterable<Parameter> {
  readonly loaded: string[] = []
  readonly initialised: string[] = []
  /** Names that `weights` holds with another shape: made anew, and listed in `initialised` too. */
  readonly mismatched: string[] = []
  readonly #byName = new Map<string, Parameter>()
  readonly #random: Random
  readonly #weights: Weights

  constructor(random: Random, weights: Weights = new Map()) {
    this.#random = random
    this.#weights = weights
  }

  /** @throws Error when the name is taken */
  create(name: string, kind: ParameterKind, shape: readonly number[], initialize: Initializer): tf.Variable {
    if (this.#byName.has(name)) throw new Error(`Parameters.create: expected a new name, got "${name}" twice`)
    const given = this.#weights.get(name)
    const fits = given !== undefined && sameShape(given.shape, shape)
    if (given !== undefined && !fits) this.mismatched.push(name)
    ;(fits ? this.loaded : this.initialised).push(name)
    const values = fits ? given.values : initialize(shape, this.#random)
    const variable = tf.tidy(() => tf.variable(tf.tensor(values, [...shape], "float32")))
    this.#byName.set(name, { name, kind, variable, trainable: kind !== "statistic" })
    return variable
  }

  /** Names in `weights` that no part of the model asked for. */
  unused(): string[] {
    return [...this.#weights.keys()].filter((name) => !this.#byName.has(name))
  }

  get(name: string): Parameter | undefined {
    return this.#byName.get(name)
  }

  /** Stops training of every parameter whose name begins with one of `prefixes`. */
  freeze(...prefixes: readonly string[]): void {
    for (const parameter of this) {
      if (prefixes.some((prefix) => parameter.name.startsWith(prefix))) parameter.trainable = false
    }
  }

  /**
   * Takes saved values again, of all parameters.
   * @throws Error when they are another model's
   */
  restore(weights: Weights): void {
    for (const { name, variable } of this) {
      const saved = weights.get(name)
      if (saved?.values.length !== variable.size) {
        throw new Error(
          `Parameters.restore: expected ${variable.size} values for "${name}", got ${saved?.values.length ?? "none"}`,
        )
      }
      tf.tidy(() => variable.assign(tf.tensor(saved.values, variable.shape)))
    }
  }

  trainable(): Parameter[] {
    return [...this].filter((parameter) => parameter.trainable)
  }

  [Symbol.iterator](): Iterator<Parameter> {
    return this.#byName.values()
  }

  dispose(): void {
    for (const { variable } of this) variable.dispose()
    this.#byName.clear()
  }
}

/** A place in the tree of names: `scope.in("layer1").in("0")` creates `layer1.0.*`. */
export class Scope {
  readonly parameters: Parameters
  readonly prefix: string

  constructor(parameters: Parameters, prefix = "") {
    this.parameters = parameters
    this.prefix = prefix
  }

  in(name: string | number): Scope {
    return new Scope(this.parameters, `${this.prefix}${name}.`)
  }

  create(name: string, kind: ParameterKind, shape: readonly number[], initialize: Initializer): tf.Variable {
    return this.parameters.create(this.prefix + name, kind, shape, initialize)
  }

  /** @throws Error when the model has no such parameter */
  get<Rank extends tf.Rank>(name: string): tf.Variable<Rank> {
    const found = this.parameters.get(this.prefix + name)
    if (found === undefined) throw new Error(`Scope.get: expected a parameter "${this.prefix}${name}", got none`)
    return found.variable as tf.Variable<Rank>
  }
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((length, axis) => length === b[axis])
}
