import type { Tensor } from "@tensorflow/tfjs-core"

/**
 * Checks a tensor's shape at a public door. `null` and a letter stand for any size; the same letter must be the same
 * size wherever it appears.
 * @throws Error naming the function, the rule and the shape that came
 */
export function expectShape(name: string, tensor: Tensor, pattern: readonly (number | string | null)[]): void {
  const { shape } = tensor
  const sizes = new Map<string, number>()
  const fits =
    shape.length === pattern.length &&
    pattern.every((rule, axis) => {
      const size = shape[axis]!
      if (rule === null) return true
      if (typeof rule === "number") return rule === size
      const seen = sizes.get(rule)
      sizes.set(rule, size)
      return seen === undefined || seen === size
    })
  if (!fits) {
    const rule = pattern.map((part) => part ?? "any").join(", ")
    throw new Error(`${name}: expected a tensor [${rule}], got [${shape.join(", ")}]`)
  }
}

/** In pixels or cells. */
export type Size = readonly [height: number, width: number]
