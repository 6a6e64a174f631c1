import { closest, distance } from "fastest-levenshtein"

/** The known name nearest to `name` as ` Did you mean "x"?`, or an empty text when none is near. */
export function didYouMean(name: string, known: readonly string[]): string {
  if (known.length === 0) return ""
  const best = closest(name, known)
  return distance(name, best) <= Math.max(2, Math.floor(name.length / 3)) ? ` Did you mean "${best}"?` : ""
}
