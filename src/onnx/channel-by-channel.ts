/**
 * Pixels channel by channel, as graphs take them.
 * @param data `[height * width, 3]`, row by row
 * @param divisor of each value
 * @returns `[3 * height * width]`
 */
export function channelByChannel(data: Uint8Array | Float32Array, divisor = 1): Float32Array {
  const size = data.length / 3
  const values = new Float32Array(data.length)
  for (let at = 0, from = 0; at < size; at++) {
    values[at] = data[from++]! / divisor
    values[size + at] = data[from++]! / divisor
    values[2 * size + at] = data[from++]! / divisor
  }
  return values
}
