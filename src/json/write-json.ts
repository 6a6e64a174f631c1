/** `JSON.stringify` in which whole numbers beyond 2^53 stay whole numbers. */
export function writeJson(value: unknown): string {
  const mark = crypto.randomUUID()
  const text = JSON.stringify(value, (_, one) => (typeof one === "bigint" ? `${mark}${one}` : one))
  return text.includes(mark) ? text.replaceAll(new RegExp(`"${mark}(-?\\d+)"`, "g"), "$1") : text
}
