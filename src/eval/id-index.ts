/** Ids up to here are looked up in an array. */
const MOST_DIRECT = 1 << 22

/** Finds where an id stands in a list. */
export class IdIndex {
  /** Place + 1 by id; 0 for an unknown id. */
  readonly #direct: Int32Array | undefined
  readonly #map: Map<number, number> | undefined

  /** @param ids each once */
  constructor(ids: ArrayLike<number>) {
    let most = -1
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i]!
      most = Number.isInteger(id) && id >= 0 ? Math.max(most, id) : Number.POSITIVE_INFINITY
    }
    if (most < MOST_DIRECT) {
      this.#direct = new Int32Array(most + 1)
      for (let i = 0; i < ids.length; i++) this.#direct[ids[i]!] = i + 1
    } else {
      this.#map = new Map()
      for (let i = 0; i < ids.length; i++) this.#map.set(ids[i]!, i)
    }
  }

  /** -1 for an unknown id. */
  place(id: number): number {
    if (this.#direct === undefined) return this.#map!.get(id) ?? -1
    return id >= 0 && id < this.#direct.length && id === Math.floor(id) ? this.#direct[id]! - 1 : -1
  }
}
