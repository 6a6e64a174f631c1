import type * as tf from "@tensorflow/tfjs-core"
import { runShader } from "../../webgpu/shader.js"

type Shape4 = [number, number, number, number]

/**
 * The gradient of crops for the maps they were cut from, on WebGPU. Each value of a map gathers from the samples near it,
 * box by box, so that nothing is added in an order of chance and no memory is taken beside the result.
 * @param grads `[R, h, w, C]` float32, of the samples
 * @param boxes `[R, 4]` y1, x1, y2, x2 as in `cropAndResize`
 * @param images `[R]` int32
 * @param shape of the maps, `[N, H, W, C]`
 */
export function webGpuCropGradient(grads: tf.Tensor4D, boxes: tf.Tensor2D, images: tf.Tensor1D, shape: Shape4) {
  return runShader({ name: "resdetCropGradient", inputs: { grads, boxes, images }, shape, code }) as tf.Tensor4D
}

/**
 * Samples lie a step apart along each axis, the first and the last on the box's edges, a single one in its middle. A cell
 * counts in a sample by one minus their distance, and only samples within the map count.
 */
const code = `
  struct Axis { start : f32, step : f32, first : i32, last : i32 }

  fn axisOf(low : f32, high : f32, samples : i32, cells : i32, cell : i32) -> Axis {
    let span = f32(cells - 1);
    if (samples == 1) {
      return Axis(0.5 * (low + high) * span, 0.0, 0, 0);
    }
    let start = low * span;
    let step = (high - low) * span / f32(samples - 1);
    if (step == 0.0) {
      return Axis(start, step, 0, samples - 1);
    }
    let a = (f32(cell) - 1.0 - start) / step;
    let b = (f32(cell) + 1.0 - start) / step;
    let first = clamp(ceil(min(a, b)), 0.0, f32(samples));
    let last = clamp(floor(max(a, b)), -1.0, f32(samples - 1));
    return Axis(start, step, i32(first), i32(last));
  }

  fn share(axis : Axis, sample : i32, cells : i32, cell : i32) -> f32 {
    let at = axis.start + f32(sample) * axis.step;
    let weight = max(0.0, 1.0 - abs(at - f32(cell)));
    return select(0.0, weight, at >= 0.0 && at <= f32(cells - 1));
  }

  fn main(index : i32) {
    if (index < uniforms.size) {
      let place = getCoordsFromIndex(index);
      let height = uniforms.outShape[1];
      let width = uniforms.outShape[2];
      let rows = uniforms.gradsShape[1];
      let columns = uniforms.gradsShape[2];
      var sum = 0.0;
      for (var r = 0; r < uniforms.gradsShape[0]; r++) {
        if (i32(round(getImages(r))) != place[0]) {
          continue;
        }
        let down = axisOf(getBoxes(r, 0), getBoxes(r, 2), rows, height, place[1]);
        let across = axisOf(getBoxes(r, 1), getBoxes(r, 3), columns, width, place[2]);
        for (var i = down.first; i <= down.last; i++) {
          let y = share(down, i, height, place[1]);
          for (var j = across.first; j <= across.last; j++) {
            sum += y * share(across, j, width, place[2]) * getGrads(r, i, j, place[3]);
          }
        }
      }
      setOutputAtIndex(index, sum);
    }
  }
`
