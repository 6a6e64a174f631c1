/** Sums of numbers by name, and of how many. */
export interface Sums {
  readonly sums: Readonly<Record<string, number>>
  readonly count: number
}

export const noSums: Sums = { sums: {}, count: 0 }

/** Running means of numbers by name. */
export class Means {
  readonly #sums: Record<string, number>
  #count: number

  constructor({ sums, count }: Sums = noSums) {
    this.#sums = { ...sums }
    this.#count = count
  }

  add(values: Readonly<Record<string, number>>): void {
    this.#count++
    for (const [name, value] of Object.entries(values)) this.#sums[name] = (this.#sums[name] ?? 0) + value
  }

  get count(): number {
    return this.#count
  }

  state(): Sums {
    return { sums: { ...this.#sums }, count: this.#count }
  }

  means(): Record<string, number> {
    return Object.fromEntries(Object.entries(this.#sums).map(([name, sum]) => [name, sum / this.#count]))
  }
}
