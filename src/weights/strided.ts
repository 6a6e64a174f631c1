/** Which of a list of values are a tensor's, and in which order. */
export interface Strided {
  /** Place of the first. */
  readonly offset: number
  readonly shape: readonly number[]
  /** Places from one value to the next along each axis. */
  readonly strides: readonly number[]
}

/** A tensor's values, last axis fastest. */
export function rowMajor(source: Float32Array, { offset, shape, strides }: Strided): Float32Array {
  const values = new Float32Array(shape.reduce((product, length) => product * length, 1))
  const position = shape.map(() => 0)
  let from = offset
  for (let at = 0; at < values.length; at++) {
    values[at] = source[from]!
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]!
      if (++position[axis]! < shape[axis]!) break
      from -= position[axis]! * strides[axis]!
      position[axis] = 0
    }
  }
  return values
}
