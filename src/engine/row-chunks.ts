import * as tf from "@tensorflow/tfjs-core"

/** Some of a tensor's rows. */
export interface Chunk {
  readonly from: number
  readonly count: number
}

/** All of `count` rows in order, at most so many at a time; one at least. */
export function rowChunks(count: number, most: number): Chunk[] {
  const size = Math.max(1, most)
  return Array.from({ length: Math.ceil(count / size) }, (_, index) => {
    return { from: index * size, count: Math.min(size, count - index * size) }
  })
}

export function sliceRows<T extends tf.Tensor>(rows: T, { from, count }: Chunk): T {
  const others = rows.shape.slice(1)
  return count === rows.shape[0] ? rows : tf.slice(rows, [from, ...others.map(() => 0)], [count, ...others])
}
