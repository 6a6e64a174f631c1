import { Checkpoint, type WeightOptions } from "../../src/weights/checkpoint.js"

/** The values of the file at `path`, see `Checkpoint.weights`. */
export function loadWeights(path: string, options: WeightOptions = {}) {
  using checkpoint = Checkpoint.open(path)
  const weights = checkpoint.weights(options)
  // Values are read when they are first asked for, which needs the open file.
  return new Map([...weights].map(([name, { shape, values }]) => [name, { shape, values }]))
}
