import { existsSync } from "node:fs"
import { archivesOf, isShards } from "./shard-files.js"

/**
 * Whether something of a source is there: of a pattern one of its archives, of several joined with `+` one of them. What
 * is missing of it the reader says.
 */
export function isThere(source: string): boolean {
  if (existsSync(source)) return true
  return (isShards(source) ? archivesOf(source) : source.split("+")).some((path) => existsSync(path))
}
