import type * as tf from "@tensorflow/tfjs-core"
import { runShader } from "./webgpu-shader.js"

type Shape4 = [number, number, number, number]

/** The cells of R regions' bins along both axes, `[R, bins, 2]` int32: each bin's first and the one behind its last. */
interface Bins {
  readonly rows: tf.Tensor3D
  readonly columns: tf.Tensor3D
}

/**
 * Region pooling on WebGPU.
 * @param map `[N, H, W, C]`
 * @param images `[R]` int32
 * @returns `[R, bins, bins, C]`: the largest values, 0 in empty bins, and the cells they are in, counted over all maps, int32,
 * -1 for an empty bin
 */
export function webGpuMaxima(map: tf.Tensor4D, images: tf.Tensor1D, { rows, columns }: Bins) {
  const inputs = { map, images, rows, columns }
  const shape = [rows.shape[0], rows.shape[1], rows.shape[1], map.shape[3]]
  const values = runShader({ name: "resdetMaxima", inputs, shape, code: search("best") })
  const cells = runShader({ name: "resdetMaximaCells", inputs, shape, dtype: "int32", code: search("f32(at)") })
  return { values: values as tf.Tensor4D, cells: cells as tf.Tensor4D }
}

/**
 * The gradient of `webGpuMaxima` for the map: each of its values gathers from the bins that it is the largest of, so that
 * nothing is added in an order of chance.
 * @param dy `[R, bins, bins, C]`
 * @param shape of the map
 */
export function webGpuMaximaGradient(
  dy: tf.Tensor4D,
  cells: tf.Tensor4D,
  images: tf.Tensor1D,
  { rows, columns }: Bins,
  shape: Shape4,
): tf.Tensor4D {
  const inputs = { dy, cells, images, rows, columns }
  return runShader({ name: "resdetMaximaGradient", inputs, shape, code: gather }) as tf.Tensor4D
}

// The backend reads integers as floats: exact up to 2^24, which its own kernels live with too.

/** Every cell of a bin in reading order; of equal values the first counts. */
const search = (result: string) => `
  fn main(index : i32) {
    if (index < uniforms.size) {
      let place = getCoordsFromIndex(index);
      let n = i32(getImages(place[0]));
      let top = i32(getRows(place[0], place[1], 0));
      let bottom = i32(getRows(place[0], place[1], 1));
      let left = i32(getColumns(place[0], place[2], 0));
      let right = i32(getColumns(place[0], place[2], 1));
      var best = 0.0;
      var at = -1;
      for (var y = top; y < bottom; y++) {
        for (var x = left; x < right; x++) {
          let value = getMap(n, y, x, place[3]);
          if (at < 0 || value > best) {
            best = value;
            at = (n * uniforms.mapShape[1] + y) * uniforms.mapShape[2] + x;
          }
        }
      }
      setOutputAtIndex(index, ${result});
    }
  }
`

const gather = `
  fn main(index : i32) {
    if (index < uniforms.size) {
      let place = getCoordsFromIndex(index);
      let cell = (place[0] * uniforms.outShape[1] + place[1]) * uniforms.outShape[2] + place[2];
      let bins = uniforms.dyShape[1];
      var sum = 0.0;
      for (var r = 0; r < uniforms.dyShape[0]; r++) {
        if (i32(getImages(r)) != place[0]) {
          continue;
        }
        for (var i = 0; i < bins; i++) {
          if (place[1] < i32(getRows(r, i, 0)) || place[1] >= i32(getRows(r, i, 1))) {
            continue;
          }
          for (var j = 0; j < bins; j++) {
            if (place[2] < i32(getColumns(r, j, 0)) || place[2] >= i32(getColumns(r, j, 1))) {
              continue;
            }
            if (i32(getCells(r, i, j, place[3])) == cell) {
              sum += getDy(r, i, j, place[3]);
            }
          }
        }
      }
      setOutputAtIndex(index, sum);
    }
  }
`
