/** Numbers as a tensor gives them back. */
type Numbers = Float32Array | Int32Array | Uint8Array
/** Images, height, width, channels of a feature map. */
type MapShape = readonly [images: number, height: number, width: number, channels: number]
type Size = readonly [height: number, width: number]

/**
 * CropAndResize on plain arrays.
 * @param map [N, H, W, C]
 * @param boxes [R, 4] `y1, x1, y2, x2`, normalised
 * @param images [R], 0..N-1
 * @returns [R, h, w, C]
 * @throws Error when an image index is out of range
 */
export function cropBilinear(map: Numbers, shape: MapShape, boxes: Numbers, images: Numbers, size: Size): Float32Array {
  const channels = shape[3]
  const crops = new Float32Array(images.length * size[0] * size[1] * channels)
  visitSamples(shape, boxes, images, size, (to, a, b, c, d, fy, fx) => {
    const wa = (1 - fy) * (1 - fx)
    const wb = (1 - fy) * fx
    const wc = fy * (1 - fx)
    const wd = fy * fx
    for (let k = 0; k < channels; k++) {
      crops[to + k] = wa * map[a + k]! + wb * map[b + k]! + wc * map[c + k]! + wd * map[d + k]!
    }
  })
  return crops
}

/**
 * The gradient of {@link cropBilinear} for the map: every crop's gradient is added where its samples came from, in the
 * order of the boxes, so that the sum is the same in every run.
 * @param grads [R, h, w, C]
 * @returns [N, H, W, C]
 */
export function addCrops(grads: Numbers, shape: MapShape, boxes: Numbers, images: Numbers, size: Size): Float32Array {
  const channels = shape[3]
  const map = new Float32Array(shape[0] * shape[1] * shape[2] * channels)
  visitSamples(shape, boxes, images, size, (from, a, b, c, d, fy, fx) => {
    const wa = (1 - fy) * (1 - fx)
    const wb = (1 - fy) * fx
    const wc = fy * (1 - fx)
    const wd = fy * fx
    for (let k = 0; k < channels; k++) {
      const grad = grads[from + k]!
      map[a + k] = map[a + k]! + wa * grad
      map[b + k] = map[b + k]! + wb * grad
      map[c + k] = map[c + k]! + wc * grad
      map[d + k] = map[d + k]! + wd * grad
    }
  })
  return map
}

/** `sample` is an offset into the crops; a, b, c, d (top left, top right, bottom left, bottom right) into the map. */
type Visit = (sample: number, a: number, b: number, c: number, d: number, fy: number, fx: number) => void

function visitSamples(shape: MapShape, boxes: Numbers, images: Numbers, [rows, columns]: Size, visit: Visit): void {
  const [count, height, width, channels] = shape
  for (let box = 0; box < images.length; box++) {
    const image = images[box]!
    if (image < 0 || image >= count) {
      throw new Error(`cropAndResize: expected an image index in 0..${count - 1}, got ${image} for box ${box}`)
    }
    const [y1, x1, y2, x2] = boxes.subarray(4 * box, 4 * box + 4) as unknown as [number, number, number, number]
    for (let row = 0; row < rows; row++) {
      const y = sampleAt(y1, y2, row, rows, height - 1)
      if (!(y >= 0 && y <= height - 1)) continue
      const top = (image * height + Math.floor(y)) * width
      const bottom = (image * height + Math.ceil(y)) * width
      for (let column = 0; column < columns; column++) {
        const x = sampleAt(x1, x2, column, columns, width - 1)
        if (!(x >= 0 && x <= width - 1)) continue
        const left = Math.floor(x)
        const right = Math.ceil(x)
        const sample = ((box * rows + row) * columns + column) * channels
        visit(
          sample,
          (top + left) * channels,
          (top + right) * channels,
          (bottom + left) * channels,
          (bottom + right) * channels,
          y - Math.floor(y),
          x - left,
        )
      }
    }
  }
}

/** Rounded to float32 after each step as TensorFlow does, so that both agree on which samples lie inside the map. */
function sampleAt(low: number, high: number, index: number, samples: number, span: number): number {
  const f = Math.fround
  if (samples === 1) return f(f(0.5 * f(low + high)) * span)
  const step = f(f(f(high - low) * span) / (samples - 1))
  return f(f(low * span) + f(index * step))
}
