/** What is kept: how large it is, and how to let it go. */
interface Kept {
  readonly nodes: number
  remove(): void
}

/**
 * Functions by the shapes they are for, of which those are kept that come most often, up to so many nodes in all: photos have
 * a few common sizes and many rare ones. A use counts half as much a thousand uses later, so that what was common once makes room.
 */
export class MostUsed<T extends Kept> {
  readonly #most: number
  readonly #kept = new Map<string, T>()
  /** Of what is kept and what is not; all would fade together, so instead each use weighs a little more than the one before. */
  readonly #uses = new Map<string, number>()
  #weight = 1
  #nodes = 0

  /** @param most nodes that all of them have */
  constructor(most: number) {
    this.#most = most
  }

  /** Counts a use. */
  use(key: string): T | undefined {
    this.#weight *= 2 ** (1 / HALF_LIFE)
    if (this.#weight > MOST_WEIGHT) this.#fade()
    this.#uses.set(key, this.#usesOf(key) + this.#weight)
    return this.#kept.get(key)
  }

  /**
   * Whether it pays to make a function of about so many nodes for a use just counted: it is not the first, and there is room, or
   * it came twice as often as those that it would take the place of.
   */
  pays(key: string, nodes: number): boolean {
    const uses = this.#usesOf(key)
    if (uses <= this.#weight) return false
    let room = this.#most - this.#nodes
    for (const other of this.#leastUsedFirst()) {
      if (room >= nodes || this.#usesOf(other) * 2 > uses) break
      room += this.#kept.get(other)!.nodes
    }
    return room >= nodes
  }

  /** Keeps it, at least until the next one comes, and lets others go for it: its shape may be the first of many. */
  keep(key: string, made: T): void {
    for (const least of this.#leastUsedFirst()) {
      if (this.#nodes + made.nodes <= this.#most) break
      const { nodes, remove } = this.#kept.get(least)!
      this.#kept.delete(least)
      this.#nodes -= nodes
      remove()
    }
    this.#kept.set(key, made)
    this.#nodes += made.nodes
  }

  #usesOf(key: string): number {
    return this.#uses.get(key) ?? 0
  }

  #leastUsedFirst(): string[] {
    return [...this.#kept.keys()].sort((a, b) => this.#usesOf(a) - this.#usesOf(b))
  }

  /** Makes weights small again, and forgets what has not come for so long that its uses count nothing. */
  #fade(): void {
    for (const [key, uses] of this.#uses) {
      if (uses < 1 && !this.#kept.has(key)) this.#uses.delete(key)
      else this.#uses.set(key, uses / this.#weight)
    }
    this.#weight = 1
  }
}

const HALF_LIFE = 1000
const MOST_WEIGHT = 1e12
