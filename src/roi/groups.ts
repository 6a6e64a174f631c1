import * as tf from "@tensorflow/tfjs-core"

/**
 * Pools regions some at a time, those of one key together, and puts the results into the regions' order.
 * @param keys `[R]` of each region, R of 1 or more
 * @param pool gets the places of one key's regions, and returns `[members, ...]`
 * @returns `[R, ...]`
 */
export function inGroups<Key>(
  keys: readonly Key[],
  pool: (members: readonly number[], key: Key) => tf.Tensor4D,
): tf.Tensor4D {
  const groups = new Map<Key, number[]>()
  for (const [i, key] of keys.entries()) {
    const members = groups.get(key)
    if (members) members.push(i)
    else groups.set(key, [i])
  }
  const pooled = [...groups].map(([key, members]) => pool(members, key))
  if (pooled.length === 1) return pooled[0]!
  const places = new Int32Array(keys.length)
  for (const [place, i] of [...groups.values()].flat().entries()) places[i] = place
  return tf.gather(tf.concat(pooled), tf.tensor1d(places, "int32"))
}
