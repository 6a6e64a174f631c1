import type { backend_util } from "@tensorflow/tfjs-core"

/**
 * The gradient of a max pool for its input: each window's gradient goes to its first largest value.
 * @param input [N, H, W, C]
 * @param dy [N, h, w, C]
 * @returns [N, H, W, C]
 */
export function maxPoolGradient(input: Float32Array, dy: Float32Array, info: backend_util.Conv2DInfo): Float32Array {
  const { batchSize, inHeight, inWidth, inChannels, outHeight, outWidth, strideHeight, strideWidth, padInfo } = info
  const dx = new Float32Array(input.length)
  const rowStep = inWidth * inChannels
  let out = 0
  for (let image = 0; image < batchSize; image++) {
    const base = image * inHeight * rowStep
    for (let y = 0; y < outHeight; y++) {
      const top = y * strideHeight - padInfo.top
      const [firstRow, endRow] = [Math.max(0, top), Math.min(inHeight, top + info.effectiveFilterHeight)]
      for (let x = 0; x < outWidth; x++) {
        const left = x * strideWidth - padInfo.left
        const [firstColumn, endColumn] = [Math.max(0, left), Math.min(inWidth, left + info.effectiveFilterWidth)]
        for (let channel = 0; channel < inChannels; channel++, out++) {
          let largest = Number.NEGATIVE_INFINITY
          let at = -1
          for (let row = firstRow; row < endRow; row++) {
            for (let column = firstColumn; column < endColumn; column++) {
              const index = base + row * rowStep + column * inChannels + channel
              if (input[index]! > largest) {
                largest = input[index]!
                at = index
              }
            }
          }
          if (at >= 0) dx[at] = dx[at]! + dy[out]!
        }
      }
    }
  }
  return dx
}
