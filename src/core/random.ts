import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64"
import { uniformInt } from "pure-rand/distribution/uniformInt"
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus"

/** A random source: the same seed gives the same numbers on every machine. */
export interface Random {
  /** Uniform in [0, 1). */
  uniform(): number
  /** Uniform whole number in [0, below). */
  integer(below: number): number
  /** Normal with mean 0 and standard deviation 1 (Box-Muller, one draw kept for the next call). */
  normal(): number
}

/** A random source (xoroshiro128+) for a whole-number seed. */
export function seededRandom(seed: number): Random {
  const generator = xoroshiro128plus(seed | 0)
  let spareNormal: number | null = null
  return {
    uniform: () => uniformFloat64(generator),
    integer: (below) => uniformInt(generator, 0, below - 1),
    normal() {
      if (spareNormal !== null) {
        const kept = spareNormal
        spareNormal = null
        return kept
      }
      const radius = Math.sqrt(-2 * Math.log(1 - uniformFloat64(generator)))
      const angle = 2 * Math.PI * uniformFloat64(generator)
      spareNormal = radius * Math.sin(angle)
      return radius * Math.cos(angle)
    },
  }
}

/**
 * A seed for one purpose, mixed from whole numbers, such as (run seed, epoch, image index): work that is spread over
 * threads draws the same numbers in whichever order it is done.
 */
export function mixSeeds(...parts: readonly number[]): number {
  let hash = 0x9e3779b9
  for (const part of parts) {
    hash = Math.imul(hash ^ (part | 0), 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
    hash ^= hash >>> 16
  }
  return hash | 0
}

/** Puts the first `count` elements of `items` in random order drawn from all of it, in place (Fisher-Yates). */
export function shuffleFirst(items: Int32Array | unknown[], count: number, random: Random): void {
  const length = items.length
  for (let i = 0; i < Math.min(count, length - 1); i++) {
    const j = i + random.integer(length - i)
    const held = items[i]!
    items[i] = items[j]!
    items[j] = held as never
  }
}
