import { createRequire } from "node:module"

/** A YAML text's value. The parser is loaded with the first text: most commands are given none, and start sooner. */
export function parseYaml(text: string): unknown {
  const { parse } = createRequire(import.meta.url)("yaml") as typeof import("yaml")
  return parse(text)
}
