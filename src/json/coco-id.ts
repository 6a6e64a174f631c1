/** An id of a COCO file as it stands there: a number, a whole number beyond 2^53, or a text. */
export type CocoId = number | bigint | string

/** Whether a parsed value is an id; a number beyond 2^53 is none, since it has lost digits. */
export function isCocoId(value: unknown): value is CocoId {
  return typeof value === "string" || typeof value === "bigint" || Number.isSafeInteger(value)
}

/**
 * What ids are matched by: 7, "7" and 7n are one id, 9007199254740993n and "9007199254740993" another; a text is itself.
 */
export function idKey(id: CocoId): number | string {
  if (typeof id === "number") return id
  const text = String(id)
  const value = Number(text)
  return Number.isSafeInteger(value) && String(value) === text ? value : text
}

/** Whether an id can stand in a column of numbers. */
export function isPlainId(id: CocoId): id is number {
  return typeof id === "number" && Number.isSafeInteger(id)
}

/** The order of pycocotools, which sorts numbers by value and texts by their characters; numbers come first. */
export function compareIds(a: CocoId, b: CocoId): number {
  if (typeof a === "string" || typeof b === "string") {
    if (typeof a !== typeof b) return typeof a === "string" ? 1 : -1
    return a < b ? -1 : a > b ? 1 : 0
  }
  return a < b ? -1 : a > b ? 1 : 0
}
