import { resolve, sep } from "node:path"

/**
 * The ends of paths, as short as they can be to tell them apart: `a-seed1/weights/last.safetensors` of
 * `runs/a-seed1/weights/last.safetensors` beside one of `a-seed2`. All have as many parts, between slashes.
 */
export function shortNames(paths: readonly string[]): string[] {
  const parts = paths.map((path) => resolve(path).split(sep))
  const different = new Set(paths.map((path) => resolve(path))).size
  const ends = (count: number) => parts.map((all) => all.slice(-count).join("/"))
  let count = 1
  while (new Set(ends(count)).size < different) count++
  return ends(count)
}
