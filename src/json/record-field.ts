import { DataError } from "../core/errors.js"

/**
 * What a field of a record holds: `number` any number, `id` a whole number of any size or a text, `flag` 0, 1, true or
 * false, `box` four numbers, `text` a string or a number as text, `ids` a list of whole numbers, `outline` a segmentation:
 * where the box is absent, its extent is the box. Numbers and flags may be quoted. A field that may be absent ends in `?`; one
 * that counts as absent when it holds anything else ends in `~`.
 */
export type Kind = "number" | "id" | "flag" | "box" | "text" | "ids" | "outline"
export type Field = readonly [name: string, kind: Kind | `${Kind}?` | `${Kind}~`]

/** What each kind is called where something else stands. */
export const RULES: Readonly<Record<Kind, string>> = {
  number: "a number",
  id: "a whole number or a text",
  flag: "0 or 1",
  box: "four numbers",
  text: "a string",
  ids: "a list of whole numbers",
  outline: "polygons or a mask",
}

/** A record whose JSON is sound, but whose fields are not what they should be. */
export class RecordError extends DataError {
  /** What is wrong, without file and record. */
  readonly problem: string

  constructor(where: string, byte: number, problem: string) {
    super(`${where} (byte ${byte}): ${problem}`)
    this.problem = problem
  }
}

export interface ParsedField {
  readonly name: string
  readonly kind: Kind
  readonly needed: boolean
  readonly lenient: boolean
}

export function parsedField([name, kind]: Field): ParsedField {
  return {
    name,
    kind: kind.replace(/[?~]$/, "") as Kind,
    needed: !/[?~]$/.test(kind),
    lenient: kind.endsWith("~"),
  }
}
