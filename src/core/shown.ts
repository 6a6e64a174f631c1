/** Of a name or a value in a message. */
const longest = 200

/** Control characters, and marks that change the direction of what follows. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const hidden = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g

/** Text of others with what a terminal would obey written out: `\x1b`, `\n`, `\u202e`. */
const visible = (text: string): string =>
  text.replace(hidden, (letter) => {
    const code = letter.charCodeAt(0)
    const plain = { "\n": "\\n", "\r": "\\r", "\t": "\\t" }[letter]
    return plain ?? (code < 256 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16)}`)
  })

/** Beginning and end of a text that is too long for a line. */
const shortened = (text: string, most = longest): string =>
  text.length <= most ? text : `${text.slice(0, most / 2)}...${text.slice(-most / 2)}`

/** A name or a value of others, such as a file's, for a message of one line. */
export const shown = (text: string): string => visible(shortened(text))
