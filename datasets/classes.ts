import { UsageError } from "../src/core/errors.js"
import type { CocoId } from "../src/json/coco-id.js"

/** The twenty classes of PASCAL VOC in the order of its development kit. */
export const vocClasses: readonly string[] = (
  "aeroplane bicycle bird boat bottle bus car cat chair cow " +
  "diningtable dog horse motorbike person pottedplant sheep sofa train tvmonitor"
).split(" ")

/** The classes of a set without a list of its own: VOC's order when all are VOC's, else sorted by name. */
export function orderClasses(found: Iterable<string>): string[] {
  const names = new Set(found)
  if ([...names].every((name) => vocClasses.includes(name))) return vocClasses.filter((name) => names.has(name))
  return [...names].sort((a, b) => (a < b ? -1 : 1))
}

/**
 * Label 1..K by class name.
 * @throws UsageError when a name comes twice
 */
export function labelsByName(classes: readonly string[]): Map<string, number> {
  const labels = new Map<string, number>()
  for (const [index, name] of classes.entries()) {
    if (labels.has(name)) throw new UsageError(`Expected every class once, got "${name}" twice`)
    labels.set(name, index + 1)
  }
  return labels
}

/** The id of each class among the data's own categories; one that they lack gets a number that is free. */
export function categoryIdsOf(
  classes: readonly string[],
  categories: readonly { readonly name: string; readonly id: CocoId }[],
): CocoId[] {
  const byName = new Map(categories.map(({ name, id }) => [name, id]))
  const free = categories.reduce((most, { id }) => (typeof id === "number" ? Math.max(most, id) : most), 0) + 1
  return classes.map((name, index) => byName.get(name) ?? free + index)
}
