const startsWith = (bytes: Uint8Array, ...start: readonly number[]) => start.every((byte, i) => bytes[i] === byte)

const save = "save it as UTF-8"

/** What a file that is no JSON is, by its first bytes, with the cure; undefined when they tell nothing. */
export function foreignKind(bytes: Uint8Array): string | undefined {
  if (startsWith(bytes, 0xff, 0xfe) || startsWith(bytes, 0xfe, 0xff)) return `UTF-16 text: ${save}`
  if (bytes[1] === 0 && bytes[0] !== 0) return `UTF-16 text: ${save}`
  if (startsWith(bytes, 0x1f, 0x8b)) return "a gzip file: unpack it first"
  if (startsWith(bytes, 0x50, 0x4b, 3, 4)) return "a zip file: unpack it first"
  const text = new TextDecoder().decode(bytes.subarray(0, 64)).trimStart().toLowerCase()
  if (text.startsWith("<!doctype html") || text.startsWith("<html")) {
    return "an HTML page: the download perhaps got a login or an error instead of the file"
  }
  if (text.startsWith("<")) return "XML"
  if (text.startsWith("version https://git-lfs")) return "a pointer of Git LFS: fetch the file itself with git lfs pull"
  return undefined
}

/** A hint where JSON ends and Python's notation begins, else "". */
export function foreignNotation(bytes: Uint8Array): string {
  const text = new TextDecoder().decode(bytes.subarray(0, 8))
  if (text.startsWith("\0")) return `: this looks like UTF-16 text: ${save}`
  return /^('|True\b|False\b|None\b|nan\b|array\()/.test(text)
    ? ": this is Python's notation, not JSON (write it with json.dump)"
    : ""
}
