/** Milliseconds that a rate looks back: a slow beginning is forgotten, a slow image among quick ones is not the rate. */
const lookBack = 30_000

/** Milliseconds between two marks that are kept. */
const apart = 500

/** How fast a job goes of late. */
export class Pace {
  /** What was done when, the oldest first; the last one is the present. */
  #marks: { readonly time: number; readonly done: number }[] = []

  /** @param done what is done by `time`, in milliseconds */
  add(done: number, time: number): void {
    const [before, last] = this.#marks.slice(-2)
    if (before && last && last.time - before.time < apart) this.#marks.pop()
    this.#marks.push({ time, done })
    while (this.#marks.length > 2 && this.#marks[1]!.time <= time - lookBack) this.#marks.shift()
  }

  /** So many a second; undefined until it can be told. */
  get rate(): number | undefined {
    const [first, last] = [this.#marks[0], this.#marks.at(-1)]
    if (first === undefined || last === undefined || last.time === first.time || last.done <= first.done)
      return undefined
    return (1000 * (last.done - first.done)) / (last.time - first.time)
  }
}
