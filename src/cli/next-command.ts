import { callOf } from "../core/own-package.js"

/** Texts as words of a shell's line. */
export const word = (text: string | readonly string[]): string => [text].flat().map(quoted).join(" ")

const quoted = (text: string) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`)

/** What to run next: the last line of a command's summary. @param words such as `dataset check shapes` */
export const nextLine = (words: string): string => `next: ${callOf(words)}`
