/** Sums of numbers by name, and of how many. */
export interface Sums {
  readonly sums: Readonly<Record<string, number>>
  readonly count: number
  /** Of names that came less often than the others. */
  readonly counts?: Readonly<Record<string, number>> | undefined
}

export const noSums: Sums = { sums: {}, count: 0 }

/** Running means of numbers by name. */
export class Means {
  readonly #sums: Record<string, number>
  readonly #counts: Record<string, number>
  #count: number

  constructor({ sums, count, counts }: Sums = noSums) {
    this.#sums = { ...sums }
    this.#counts = { ...Object.fromEntries(Object.keys(sums).map((name) => [name, count])), ...counts }
    this.#count = count
  }

  add(values: Readonly<Record<string, number>>): void {
    this.#count++
    for (const [name, value] of Object.entries(values)) {
      this.#sums[name] = (this.#sums[name] ?? 0) + value
      this.#counts[name] = (this.#counts[name] ?? 0) + 1
    }
  }

  get count(): number {
    return this.#count
  }

  state(): Sums {
    const rarer = Object.entries(this.#counts).filter(([, count]) => count < this.#count)
    const counts = rarer.length > 0 ? { counts: Object.fromEntries(rarer) } : {}
    return { sums: { ...this.#sums }, count: this.#count, ...counts }
  }

  means(): Record<string, number> {
    return Object.fromEntries(Object.entries(this.#sums).map(([name, sum]) => [name, sum / this.#counts[name]!]))
  }
}
