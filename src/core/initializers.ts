import type { Random } from "./random.js"

/** Makes the first values of a parameter of `shape`. */
export type Initializer = (shape: readonly number[], random: Random) => Float32Array

/** Every value the same. */
export const constant =
  (value: number): Initializer =>
  (shape) =>
    new Float32Array(size(shape)).fill(value)

/** Normal with mean 0. */
export const normal =
  (std: number): Initializer =>
  (shape, random) =>
    Float32Array.from({ length: size(shape) }, () => std * random.normal())

/**
 * He initialisation for a filter `[kh, kw, in, out]`: normal with deviation sqrt(2 / (kh * kw * out)).
 * @source He et al. 2015 "Delving deep into rectifiers", fan-out form as in fb.resnet.torch and torchvision
 */
export const heNormal: Initializer = (shape, random) => {
  const [height, width, , out] = shape as [number, number, number, number]
  return normal(Math.sqrt(2 / (height * width * out)))(shape, random)
}

/** Uniform with variance 1 / (inputs of an output). @source torchvision `FeaturePyramidNetwork`: kaiming_uniform, a = 1 */
export const lecunUniform: Initializer = (shape, random) => {
  const inputs = size(shape.slice(0, -1))
  const bound = Math.sqrt(3 / inputs)
  return Float32Array.from({ length: inputs * shape.at(-1)! }, () => bound * (2 * random.uniform() - 1))
}

/** Uniform within 1 / sqrt(inputs). @source PyTorch's default for linear layers, biases too */
export const uniformByInputs =
  (inputs: number): Initializer =>
  (shape, random) =>
    Float32Array.from({ length: size(shape) }, () => (2 * random.uniform() - 1) / Math.sqrt(inputs))

function size(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1)
}
