/** The number that a text is, as some tools put numbers in quotes; undefined for any other text. */
export function quotedNumber(text: string): number | undefined {
  return /^\s*[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?\s*$/i.test(text) ? Number(text) : undefined
}

/** The number that a word of a text file is; NaN for any other word, `0x1e` and `Infinity` too, and for none. */
export const numberOfText = (text: string): number => quotedNumber(text) ?? Number.NaN
