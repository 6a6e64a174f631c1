import { CLOSE_LIST, COMMA, OPEN_LIST, QUOTE } from "./letters.js"
import { quotedNumber } from "./quoted-number.js"
import type { JsonScanner } from "./scanner.js"

/** A number, which some tools put in quotes; undefined when something else comes next. */
export function quotedOrNumber(scanner: JsonScanner): number | undefined {
  return scanner.peek() === QUOTE ? quotedNumber(scanner.string()) : scanner.number()
}

/** A string, or a number as it is spelt; undefined when something else comes next. */
export function textOrNothing(scanner: JsonScanner): string | undefined {
  if (scanner.peek() === QUOTE) return scanner.string()
  const from = scanner.at
  return scanner.number() === undefined ? undefined : scanner.between(from, scanner.at)
}

/** true and false as 1 and 0, null as 0, "0" and "1" without quotes; undefined when something else comes next. */
export function flagOrNumber(scanner: JsonScanner): number | undefined {
  if (scanner.peek() === QUOTE) {
    const word = scanner.string()
    return word === "0" || word === "1" ? Number(word) : undefined
  }
  const flag = scanner.flag()
  return flag === undefined ? scanner.number() : Number(flag)
}

/** A list of whole numbers; undefined when something else comes next. */
export function idsOrNothing(scanner: JsonScanner): number[] | undefined {
  if (!scanner.takes(OPEN_LIST)) return undefined
  const ids: number[] = []
  if (scanner.takes(CLOSE_LIST)) return ids
  do {
    const id = scanner.number()
    if (!Number.isSafeInteger(id)) return undefined
    ids.push(id as number)
  } while (scanner.takes(COMMA))
  return scanner.takes(CLOSE_LIST) ? ids : undefined
}
