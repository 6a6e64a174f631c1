import type { z } from "zod"
import { declaredOptions, flagName } from "../tasks/option.js"
import { word } from "./next-command.js"

/** Which data, and how they are read: the names of the options that commands share. */
const readingKeys = ["data", "images", "corners", "sizeMismatch", "followLinks"] as const

/** Those of a command's options that say which data it reads, and how. */
export function readingOf(options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(readingKeys.map((key) => [key, options[key]]))
}

/**
 * A command with these options, those left out that it does not have or that are its own anyway.
 * @param schema the command's options
 */
export function commandWords(command: string, schema: z.ZodType, options: Readonly<Record<string, unknown>>): string {
  const declared = declaredOptions(schema).filter(({ key, info }) => !key.includes(".") && info.only !== "code")
  const sets: string[] = []
  const flags = declared.flatMap(({ key, info, kind, byDefault }) => {
    const value = options[key]
    if (value === undefined || JSON.stringify(value) === JSON.stringify(byDefault)) return []
    if (info.only === "file") {
      sets.push(...leaves(key, value))
      return []
    }
    if (kind.type === "boolean") return [value === true ? `--${flagName(key)}` : `--no-${flagName(key)}`]
    const text = info.repeated ? (value as string | string[]) : String(Array.isArray(value) ? value.join(",") : value)
    return [`--${flagName(key)} ${word(text)}`]
  })
  const set = sets.length === 0 ? [] : [`--set ${word(sets)}`]
  return [command, ...flags, ...set].join(" ")
}

/** Every value below a key, as `a.b=value`. */
function leaves(key: string, value: unknown): string[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [`${key}=${JSON.stringify(value)}`]
  return Object.entries(value).flatMap(([name, inner]) => leaves(`${key}.${name}`, inner))
}
