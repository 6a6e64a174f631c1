import * as tf from "@tensorflow/tfjs-core"
import { expectShape } from "../../../core/shapes.js"
import { type ByEngine, current } from "../../kernels.js"
import { float32, isOnCuda, nativeOp } from "../../native/op.js"
import { type Chunk, rowChunks, sliceRows } from "../../row-chunks.js"
import { addCrops, cropBilinear } from "./arrays.js"
import { cropGradientByProducts } from "./products.js"
import { webGpuCropGradient } from "./webgpu.js"

type Size = readonly [height: number, width: number]

/** At most this many samples at once, about 64 MB: more boxes are cut out some at a time. */
const valuesAtOnce = 2 ** 24

/**
 * Cuts each box out of its feature map and resizes it to `size` by bilinear sampling, as TensorFlow's CropAndResize:
 * the corners of the crop are the box's corners, and a sample outside the map is 0. With `points`, each value is the mean
 * of so many samples down and across.
 *
 * The gradient reaches `features` only; boxes are taken as constants. Samples are not kept for it. No boxes give an empty
 * result and a zero gradient. Seeded runs repeat bit for bit on the CPU.
 *
 * @param features [N, H, W, C] float32
 * @param boxes [R, 4] float32, `y1, x1, y2, x2`, 0 the centre of the first cell and 1 that of the last
 * @param imageIndices [R] int32, which of the N maps a box cuts from
 * @param size height and width of a crop
 * @returns [R, h, w, C] float32
 * @source TensorFlow's CropAndResize and CropAndResizeGradImage
 */
export function cropAndResize(
  features: tf.Tensor4D,
  boxes: tf.Tensor2D,
  imageIndices: tf.Tensor1D,
  size: Size,
  points: Size = [1, 1],
): tf.Tensor4D {
  expectShape("cropAndResize(features)", features, ["N", "H", "W", "C"])
  expectShape("cropAndResize(boxes)", boxes, ["R", 4])
  expectShape("cropAndResize(imageIndices)", imageIndices, [boxes.shape[0]])
  const samples: [number, number] = [size[0] * points[0], size[1] * points[1]]
  const method = current(methods)
  // The inputs are saved, not closed over: the caller may dispose of them before the tape runs backwards.
  const crop = tf.customGrad((map, save) => {
    ;(save as tf.GradSaveFunc)([boxes, imageIndices])
    const { shape } = map as tf.Tensor4D
    const chunks = rowChunks(boxes.shape[0], Math.floor(valuesAtOnce / (samples[0] * samples[1] * shape[3])))
    const forward = (chunk: Chunk) =>
      tf.tidy(() =>
        mean(
          method.forward(map as tf.Tensor4D, sliceRows(boxes, chunk), sliceRows(imageIndices, chunk), samples),
          points,
        ),
      )
    const gradient = (dy: tf.Tensor, saved: tf.Tensor[]) => (chunk: Chunk) =>
      tf.tidy(() => {
        const [own, images] = [sliceRows(saved[0] as tf.Tensor2D, chunk), sliceRows(saved[1] as tf.Tensor1D, chunk)]
        return method.gradient(spread(sliceRows(dy as tf.Tensor4D, chunk), points), own, images, shape)
      })
    return {
      value: chunks.length === 0 ? tf.zeros<tf.Rank.R4>([0, ...size, shape[3]]) : tf.concat(chunks.map(forward)),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) =>
        chunks.length === 0 ? tf.zeros<tf.Rank.R4>(shape) : tf.addN(chunks.map(gradient(dy, saved))),
    }
  })
  return crop(features) as tf.Tensor4D
}

function mean(samples: tf.Tensor4D, points: Size): tf.Tensor4D {
  return points[0] === 1 && points[1] === 1 ? samples : tf.avgPool(samples, [...points], [...points], "valid")
}

/** The gradient of `mean`: each value's goes to its samples in equal parts. */
function spread(dy: tf.Tensor4D, [down, across]: Size): tf.Tensor4D {
  if (down === 1 && across === 1) return dy
  const [count, rows, columns, channels] = dy.shape
  // Copies side by side: on WebAssembly many times faster than a tile.
  const cells = tf.reshape(tf.div(dy, down * across), [count * rows * columns, 1, channels])
  const wide = tf.reshape(copies(cells, across), [count * rows, 1, columns * across * channels])
  return tf.reshape(copies(wide, down), [count, rows * down, columns * across, channels])
}

const copies = (x: tf.Tensor, times: number) => tf.concat(new Array<tf.Tensor>(times).fill(x), 1)

export type Shape4D = tf.Tensor4D["shape"]

/** A crop and its gradient for the map; at least one box. */
interface CropMethod {
  forward(map: tf.Tensor4D, boxes: tf.Tensor2D, images: tf.Tensor1D, size: [number, number]): tf.Tensor4D
  gradient(grads: tf.Tensor4D, boxes: tf.Tensor2D, images: tf.Tensor1D, shape: Shape4D): tf.Tensor4D
}

/**
 * TensorFlow's own kernels: 5 ms and 4 ms for 128 crops of 14x14x256 on two cores, 29 ms and 27 ms in plain arrays. On CUDA
 * its gradient adds in no fixed order: matrix products there.
 */
const tensorflow: CropMethod = {
  forward: (map, boxes, images, size) => tf.image.cropAndResize(map, boxes, images, size, "bilinear", 0),
  gradient(grads, boxes, images, shape) {
    if (isOnCuda()) return cropGradientByProducts(grads, boxes, images, shape)
    const inputs = [grads, boxes, images, tf.tensor1d(shape, "int32")]
    return nativeOp("CropAndResizeGradImage", inputs, { T: float32, method: "bilinear" }) as tf.Tensor4D
  },
}

/** Typed arrays: on WebAssembly faster than its own kernel (43 ms against 74 ms), which has no gradient. */
const wasm: CropMethod = {
  forward(map, boxes, images, size) {
    const crops = cropBilinear(map.dataSync(), map.shape, boxes.dataSync(), images.dataSync(), size)
    return tf.tensor4d(crops, [boxes.shape[0], ...size, map.shape[3]])
  },
  gradient(grads, boxes, images, shape) {
    const size: [number, number] = [grads.shape[1], grads.shape[2]]
    return tf.tensor4d(addCrops(grads.dataSync(), shape, boxes.dataSync(), images.dataSync(), size), shape)
  },
}

/** The backend's own crop, and a gradient of ours: it has none. */
const webgpu: CropMethod = { forward: tensorflow.forward, gradient: webGpuCropGradient }

const methods: ByEngine<CropMethod> = { tensorflow, wasm, webgpu }
