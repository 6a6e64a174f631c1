import * as tf from "@tensorflow/tfjs-core"
import { constant, heNormal } from "../../src/core/initializers.js"
import { Parameters, Scope } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { assemble } from "../../src/detector/build.js"
import type { FasterRcnn, TrainingBatch } from "../../src/detector/faster-rcnn.js"
import { type FasterRcnnOptions, fasterRcnnDefaults } from "../../src/detector/options.js"
import type { TrainingImage } from "../../src/detector/truths.js"
import { convolution } from "../../src/engine/ops/convolution/convolution.js"
import { BoxPredictor } from "../../src/roi/head.js"
import { RpnHead } from "../../src/rpn/head.js"

const channels = 32

/** A detector with four plain layers for a backbone and one for conv5: the real composition, trained in seconds. */
export function tinyDetector(
  numClasses = 2,
  parameters = new Parameters(seededRandom(1)),
  wishes: Partial<FasterRcnnOptions> = {},
) {
  const scope = new Scope(parameters)
  const layer = (name: string, from: number, to: number) => ({
    weight: scope.create(`${name}.weight`, "conv", [3, 3, from, to], heNormal) as tf.Tensor<tf.Rank.R4>,
    bias: scope.create(`${name}.bias`, "bias", [to], constant(0)) as tf.Tensor<tf.Rank.R1>,
  })
  type Layer = ReturnType<typeof layer>
  const halve = (x: tf.Tensor4D, { weight, bias }: Layer) => {
    return convolution(x, weight, bias, { stride: 2, padding: 1, relu: true })
  }
  const [first, ...others] = [3, 16, 32, channels].map((from, i) => layer(`backbone.${i}`, from, [16, 32, 32, 32][i]!))
  const conv5 = layer("conv5", channels, 64)
  parameters.freeze("backbone.0")
  const anchors = { ...fasterRcnnDefaults.anchors, sizes: [32, 64] }
  const detector = assemble(
    {
      backbone: {
        channels,
        strides: [16],
        frozen: (images) => halve(images, first!),
        features: (stem) => [others.reduce(halve, stem)],
      },
      rpnHead: new RpnHead(scope.in("rpn"), { channels, anchors: 6 }),
      boxHead: { channels: 64, apply: (pooled) => tf.mean(halve(pooled, conv5), [1, 2]) },
      predictor: new BoxPredictor(scope.in("predictor"), { channels: wishes.context ? 128 : 64, numClasses }),
    },
    {
      ...fasterRcnnDefaults,
      anchors,
      proposals: {
        train: { ...fasterRcnnDefaults.proposals.train, preNmsTopN: 200, postNmsTopN: 100 },
        test: { ...fasterRcnnDefaults.proposals.test, preNmsTopN: 200, postNmsTopN: 50 },
      },
      roi: { ...fasterRcnnDefaults.roi, sample: { batchSizePerImage: 32, positiveFraction: 0.25 } },
      ...wishes,
    },
  )
  return { detector, parameters }
}

/** A batch for `detector.losses`. */
export async function prepareBatch(
  detector: FasterRcnn,
  { pixels, shape, images }: ReturnType<typeof rectangles>,
): Promise<TrainingBatch> {
  const input = tf.tensor4d(pixels, shape)
  try {
    return await detector.prepare(input, images)
  } finally {
    input.dispose()
  }
}

export const imageSize = [96, 128] as const

/** Two pictures with one-coloured rectangles: a red class 1 in both, a green class 2 in the second. */
export function rectangles(): {
  pixels: Float32Array
  shape: [number, number, number, number]
  images: TrainingImage[]
} {
  const [height, width] = imageSize
  const pixels = new Float32Array(2 * height * width * 3)
  const paint = (n: number, [x1, y1, x2, y2]: readonly number[], channel: number) => {
    for (let y = y1!; y < y2!; y++) {
      for (let x = x1!; x < x2!; x++) pixels[((n * height + y) * width + x) * 3 + channel] = 2
    }
  }
  const boxes = [
    [20, 20, 60, 60],
    [60, 30, 120, 90],
    [10, 10, 40, 40],
  ] as const
  paint(0, boxes[0], 0)
  paint(1, boxes[1], 1)
  paint(1, boxes[2], 0)
  const image = (which: readonly (readonly number[])[], labels: readonly number[]): TrainingImage => ({
    height,
    width,
    boxes: Float32Array.from(which.flat()),
    labels: Int32Array.from(labels),
    crowd: new Uint8Array(labels.length),
    difficult: new Uint8Array(labels.length),
  })
  return {
    pixels,
    shape: [2, height, width, 3],
    images: [image([boxes[0]], [1]), image([boxes[1], boxes[2]], [2, 1])],
  }
}
