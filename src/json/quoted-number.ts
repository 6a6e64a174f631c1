/** The number that a text is, as some tools put numbers in quotes; undefined for any other text. */
export function quotedNumber(text: string): number | undefined {
  return /^\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?\s*$/i.test(text) ? Number(text) : undefined
}
