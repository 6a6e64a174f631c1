import * as tf from "@tensorflow/tfjs-core"
import { imageNetDeviation, imageNetMean, resizeInto } from "../../datasets/image/resize.js"
import { inputSize, padTo } from "../../datasets/image/size.js"
import { toImagePixels } from "../boxes/scale.js"
import { type EngineChoice, startEngine } from "../engine/start.js"
import { openDetector } from "../weights/detector-file.js"
import type { PixelDetector, Pixels } from "./pixel-detector.js"

/** Height and width of the input are multiples of this. @source torchvision `GeneralizedRCNNTransform` */
const divisor = 32

/**
 * Starts the engine and loads a trained detector, to run on TensorFlow or WebAssembly.
 * @throws DataError when the file is no detector
 * @throws UserError when the engine cannot run here
 */
export async function openTensorNetwork(weights: string, engine: EngineChoice): Promise<PixelDetector> {
  await startEngine(engine)
  const { detector, parameters, config, classes, categoryIds } = openDetector(weights)
  return {
    classes,
    categoryIds,
    async detect(image, { score, nms, maxDetections }) {
      const wishes = {
        ...(score === undefined ? {} : { score }),
        ...(nms === undefined ? {} : { nmsThreshold: nms }),
        ...(maxDetections === undefined ? {} : { limit: maxDetections }),
      }
      const { input, height, width, ...scale } = toInput(image, config)
      try {
        const [found] = detector.detect(input, [[height, width]], wishes)
        return toImagePixels(found!, scale)
      } finally {
        input.dispose()
      }
    },
    dispose: () => parameters.dispose(),
  }
}

function toInput({ data, height, width }: Pixels, sizes: { readonly size: number; readonly maxSize: number }) {
  const target = inputSize(height, width, sizes)
  const shape = [1, padTo(target.height, divisor), padTo(target.width, divisor), 3] as const
  const out = new Float32Array(shape[1] * shape[2] * 3)
  resizeInto(
    { pixels: data, height, width },
    {
      out,
      offset: 0,
      rowStride: 3 * shape[2],
      height: target.height,
      width: target.width,
      flip: false,
      mean: imageNetMean,
      deviation: imageNetDeviation,
    },
  )
  return { input: tf.tensor4d(out, [...shape]), ...target }
}
