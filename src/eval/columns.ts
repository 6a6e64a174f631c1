type Numbers = Float64Array | Int32Array | Uint32Array | Uint8Array

/** A typed array that grows: `push` at the end, `take` what was pushed. */
export class Column<T extends Numbers> {
  length = 0
  #values: T
  readonly #make: (length: number) => T

  constructor(make: (length: number) => T) {
    this.#make = make
    this.#values = make(256)
  }

  push(value: number): void {
    if (this.length === this.#values.length) this.#grow()
    this.#values[this.length++] = value
  }

  /** What was pushed; a view, so the column must not be pushed to again. */
  take(): T {
    return this.#values.subarray(0, this.length) as T
  }

  append(values: T): void {
    const needed = this.length + values.length
    while (needed > this.#values.length) this.#grow()
    this.#values.set(values, this.length)
    this.length = needed
  }

  #grow(): void {
    const larger = this.#make(this.#values.length * 2)
    larger.set(this.#values)
    this.#values = larger
  }
}

export const doubles = (): Column<Float64Array> => new Column((length) => new Float64Array(length))
export const integers = (): Column<Int32Array> => new Column((length) => new Int32Array(length))
export const words = (): Column<Uint32Array> => new Column((length) => new Uint32Array(length))
export const bytes = (): Column<Uint8Array> => new Column((length) => new Uint8Array(length))
