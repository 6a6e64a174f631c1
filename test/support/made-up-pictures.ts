import type { CifarSet } from "../../datasets/cifar.js"
import { seededRandom } from "../../src/core/random.js"

/** Pictures of noise about a colour of their class: red, green, blue. `side` pixels square, in memory. */
export function colouredPictures(count: number, side: number, seed = 0): CifarSet {
  const random = seededRandom(seed)
  const labels = Int32Array.from({ length: count }, (_, n) => n % 3)
  const pixels = Uint8Array.from({ length: count * side * side * 3 }, (_, i) => {
    const label = labels[Math.floor(i / (3 * side * side))]
    return (i % 3 === label ? 150 : 60) + random.integer(60)
  })
  return {
    ...{ format: "cifar10", source: "made up", split: "train", classes: ["red", "green", "blue"], faults: [] },
    ...{ side, pixels, labels, name: (n: number) => `picture ${n}` },
    image: async (n: number) => ({
      data: pixels.slice(3 * n * side * side, 3 * (n + 1) * side * side),
      height: side,
      width: side,
    }),
  }
}
