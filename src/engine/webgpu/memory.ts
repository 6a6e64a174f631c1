/** The part of the WebGPU backend's store of buffers that is used here. */
export interface BufferStore {
  acquireBuffer(size: number, usage: number, mappedAtCreation?: boolean, reuse?: boolean): GpuBuffer
  /** Unused buffers by `<size>_<usage>`. */
  readonly freeBuffers: Map<string, GpuBuffer[]>
  readonly numBytesUsed: number
  numBytesAllocated: number
  numFreeBuffers: number
}

interface GpuBuffer {
  readonly size: number
  destroy(): void
}

/** So many bytes may lie unused, whatever they were for. */
const spareBytes = 2 ** 28

/** A size of buffer that was not asked for in so many turns is not kept. */
const keptTurns = 16

/**
 * Lets go of GPU memory that is no longer of use. The backend keeps every buffer for another tensor of exactly its size,
 * for ever; with photos of ever new sizes that fills any GPU.
 */
export class BufferTrimmer {
  readonly #store: BufferStore
  readonly #lastAsked = new Map<string, number>()
  #turn = 0

  constructor(store: BufferStore) {
    this.#store = store
    const acquire = store.acquireBuffer
    store.acquireBuffer = (size, usage, ...rest) => {
      this.#lastAsked.set(`${size}_${usage}`, this.#turn)
      return acquire.call(store, size, usage, ...rest)
    }
  }

  /** To be called once all that was asked of the GPU has been handed over to it, such as behind a reading. */
  turn(): void {
    this.#turn++
    const { freeBuffers, numBytesAllocated, numBytesUsed } = this.#store
    if (numBytesAllocated - numBytesUsed <= spareBytes) return
    for (const [key, buffers] of freeBuffers) {
      if (this.#turn - (this.#lastAsked.get(key) ?? 0) <= keptTurns) continue
      for (const buffer of buffers) {
        this.#store.numBytesAllocated -= buffer.size
        this.#store.numFreeBuffers--
        buffer.destroy()
      }
      // The key stays: the backend takes a store without any for one that was never used.
      freeBuffers.set(key, [])
      this.#lastAsked.delete(key)
    }
  }
}
