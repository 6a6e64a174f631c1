import { DataError } from "../core/errors.js"

/**
 * The classes that all networks of an ensemble know.
 * @param networks one or more, with names to tell them by
 * @throws DataError when one of them has other classes than the first, or the same in another order
 */
export function sharedClasses(
  networks: readonly { readonly name: string; readonly classes: readonly string[] }[],
): readonly string[] {
  const { name: firstName, classes: first } = networks[0]!
  for (const { name, classes } of networks) {
    const place = first.findIndex((label, k) => label !== classes[k])
    if (classes.length === first.length && place < 0) continue
    const what =
      classes.length === first.length
        ? `has "${classes[place]}" where that has "${first[place]}"`
        : `knows ${classes.length} classes, that ${first.length}`
    throw new DataError(`${name} cannot be averaged with ${firstName}: it ${what}. Their classes must be the same`)
  }
  return first
}
