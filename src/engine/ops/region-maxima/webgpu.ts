import * as tf from "@tensorflow/tfjs-core"
import { runShader } from "../../webgpu/shader.js"
import type { RegionMaxima } from "./region-maxima.js"

/**
 * Region pooling by shaders. For the gradient each value of the map gathers from the bins that it is the largest of, so that
 * nothing is added in an order of chance.
 */
export const webgpu: RegionMaxima = {
  forward(map, images, bins) {
    const side = bins.rows.length / images.length / 2
    const ranges = (cells: Int32Array) => tf.tensor3d(cells, [images.length, side, 2], "int32")
    const [whose, rows, columns] = [tf.tensor1d(images, "int32"), ranges(bins.rows), ranges(bins.columns)]
    const inputs = { map, images: whose, rows, columns }
    const shape = [images.length, side, side, map.shape[3]]
    const values = runShader({ name: "resdetMaxima", inputs, shape, code: search("best") }) as tf.Tensor4D
    const cells = runShader({ name: "resdetMaximaCells", inputs, shape, dtype: "int32", code: search("f32(at)") })
    return { values, saved: [cells, whose, rows, columns] }
  },
  gradient(dy, saved, { shape }) {
    const [cells, images, rows, columns] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]
    const inputs = { dy, cells, images, rows, columns }
    return runShader({ name: "resdetMaximaGradient", inputs, shape, code: gather }) as tf.Tensor4D
  },
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
