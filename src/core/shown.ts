/** Of a name or a value in a message. */
const longest = 200

/** Control characters, and marks that change the direction of what follows. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const hidden = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g

/** Text of others with what a terminal would obey written out: `\x1b`, `\n`, `\u202e`. */
export const visible = (text: string): string =>
  text.replace(hidden, (letter) => {
    const code = letter.charCodeAt(0)
    const plain = { "\n": "\\n", "\r": "\\r", "\t": "\\t" }[letter]
    // So that JSON, which has written out the others itself, stays JSON.
    return (
      plain ?? (code < 32 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`)
    )
  })

/** Beginning and end of a text that is too long for a line. */
export const shortened = (text: string, most = longest): string =>
  text.length <= most ? text : `${text.slice(0, most / 2)}...${text.slice(-most / 2)}`

/** A name or a value of others, such as a file's, for a message of one line. */
export const shown = (text: string): string => visible(shortened(text))

/** Letters of one word or quoted text in a message, of a path, and of a message in all. */
const most = { quoted: longest, word: 400, message: 2000 } as const

/** A message of one line, whatever the names and values in it are. */
export function shownMessage(message: string): string {
  const brief = visible(message)
    .replace(/"([^"]{201,})"/g, (_, inner: string) => `"${shortened(inner, most.quoted)}"`)
    .replace(/\S{401,}/g, (word) => shortened(word, most.word))
  return shortened(brief, most.message)
}

/** The first of many names in a message, and how many more there are. */
export const firstFew = (names: readonly string[], most = 3): string =>
  names.slice(0, most).join(", ") + (names.length > most ? ` and ${names.length - most} more` : "")

/** Lines of text with nothing in them that a terminal would obey. */
export const shownLines = (text: string): string => text.split("\n").map(visible).join("\n")
