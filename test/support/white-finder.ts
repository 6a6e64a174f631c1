import * as tf from "@tensorflow/tfjs-core"
import { RgbPhoto } from "../../datasets/image/photo.js"
import { imageNet } from "../../src/core/normalisation.js"
import { type FasterRcnnOptions, fasterRcnnDefaults } from "../../src/detector/options.js"
import type { Network } from "../../src/detector/region-predictor.js"
import { readPredictions } from "../../src/roi/read-predictions.js"

/** A black photo with white rectangles, `[x1, y1, x2, y2]` each. */
export function whiteOnBlack(width: number, height: number, ...rectangles: readonly (readonly number[])[]): RgbPhoto {
  const pixels = new Uint8Array(3 * width * height)
  for (const [x1, y1, x2, y2] of rectangles) {
    for (let y = y1!; y < y2!; y++) pixels.fill(255, 3 * (y * width + x1!), 3 * (y * width + x2!))
  }
  return new RgbPhoto({ data: pixels, height, width })
}

/**
 * A detector without weights: it proposes the box around all that is white, and calls every region class 1, surely. What
 * it is asked is written down.
 */
export function whiteFinder(size: number, options: Partial<FasterRcnnOptions> = {}) {
  const asked = { inputs: [] as string[], regions: [] as number[][] }
  const network: Network = {
    config: { size, maxSize: 4 * size, input: imageNet },
    detector: {
      options: { ...fasterRcnnDefaults, ...options },
      features: (images) => {
        asked.inputs.push(`${images.shape[2]}x${images.shape[1]}`)
        return [images]
      },
      rpn: { propose: async ([images]) => [boxAroundWhite(images!)] },
      roiHeads: {
        boxFeatures: ([images], [regions]) => {
          asked.regions.push([...regions!])
          return tf.fill([regions!.length / 4, 1], images!.shape[2])
        },
        predict: async (boxFeatures, regions) =>
          tf.tidy(() => {
            const count = boxFeatures().shape[0]
            return readPredictions(
              { logits: tf.tile(tf.tensor2d([[0, 9]]), [count, 1]), deltas: tf.zeros([count, 8]) },
              regions,
            )
          }),
      },
    },
  }
  return { network, asked }
}

function boxAroundWhite(images: tf.Tensor4D): Float32Array {
  const [, height, width] = images.shape
  const values = images.dataSync<"float32">()
  const [xs, ys]: [number[], number[]] = [[], []]
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (values[3 * (y * width + x)]! < 2) continue
      xs.push(x)
      ys.push(y)
    }
  }
  if (xs.length === 0) return new Float32Array(0)
  return Float32Array.of(Math.min(...xs), Math.min(...ys), Math.max(...xs) + 1, Math.max(...ys) + 1)
}
