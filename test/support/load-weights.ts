import { Checkpoint, type WeightOptions } from "../../src/weights/checkpoint.js"

/** The values of the file at `path`, see `Checkpoint.weights`. */
export function loadWeights(path: string, options: WeightOptions = {}) {
  using checkpoint = Checkpoint.open(path)
  return checkpoint.weights(options)
}
