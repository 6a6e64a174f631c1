import { type Random, seededRandom } from "../../src/core/random.js"

/** A mutation, or a few, of a file's bytes, the same for the same seed. @param isText whether words and numbers are looked for */
export function mutate(original: Uint8Array, seed: number, isText: boolean): Buffer {
  const random = seededRandom(seed)
  let bytes: Buffer = Buffer.from(original)
  for (let left = Math.max(1, random.integer(5) - 1); left > 0; left--) {
    const kinds = isText && random.integer(4) > 0 ? ofText : ofBytes
    bytes = kinds[random.integer(kinds.length)]!(bytes, random)
  }
  return bytes
}

type Mutation = (bytes: Buffer, random: Random) => Buffer

/** Binary files have their structure at both ends: half of all places are there. */
function placeIn(length: number, random: Random): number {
  if (length === 0) return 0
  const whole = random.integer(length)
  if (length < 2000 || random.integer(2) === 0) return whole
  const near = random.integer(1000)
  return random.integer(2) === 0 ? near : length - 1 - near
}

const flipBits: Mutation = (bytes, random) => {
  for (let left = 1 + random.integer(6); left > 0 && bytes.length > 0; left--) {
    bytes[placeIn(bytes.length, random)]! ^= 1 << random.integer(8)
  }
  return bytes
}
const setByte: Mutation = (bytes, random) => {
  if (bytes.length > 0) bytes[placeIn(bytes.length, random)] = random.integer(256)
  return bytes
}
const truncate: Mutation = (bytes, random) => bytes.subarray(0, placeIn(bytes.length, random))
const splice: Mutation = (bytes, random) => {
  const from = placeIn(bytes.length, random)
  const piece = bytes.subarray(from, from + 1 + random.integer(200))
  const at = placeIn(bytes.length, random)
  return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)])
}
const remove: Mutation = (bytes, random) => {
  const at = placeIn(bytes.length, random)
  return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.integer(60))])
}
const repeat: Mutation = (bytes, random) => {
  const at = placeIn(bytes.length, random)
  const piece = bytes.subarray(at, at + 1 + random.integer(40))
  const times = 1 + random.integer(random.integer(4) === 0 ? 5000 : 50)
  return Buffer.concat([bytes.subarray(0, at), ...Array.from({ length: times }, () => piece), bytes.subarray(at)])
}
/** A length, count or offset that lies, in 1, 2, 4 or 8 bytes of either order. */
const lie: Mutation = (bytes, random) => {
  const width = 1 << random.integer(4)
  if (bytes.length < width) return bytes
  const values = [0n, 1n, -1n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 53n, 2n ** 63n - 1n, 1000n, 65535n]
  const all = [...values, BigInt(bytes.length), BigInt(bytes.length + 1), BigInt(random.integer(1 << 30))]
  const value = BigInt.asUintN(8 * width, all[random.integer(all.length)]!)
  const eight = Buffer.alloc(8)
  eight.writeBigUInt64LE(value)
  const field = random.integer(2) === 0 ? eight.subarray(0, width) : eight.subarray(0, width).reverse()
  field.copy(bytes, Math.min(placeIn(bytes.length, random), bytes.length - width))
  return bytes
}

const ofBytes: readonly Mutation[] = [flipBits, flipBits, setByte, truncate, splice, remove, repeat, lie, lie]

const oddNumbers = [
  ..."-1 0 -0 1.5 1e999 -1e999 NaN Infinity null 1e-320 0x10 9007199254740993 4294967297 1e400 1e20 007 +3 .5 5. 1e5".split(
    " ",
  ),
  ...["", '"7"', "true", "١", "9".repeat(400), "1,5", "[1]", "--1", "1e"],
]
const oddTexts = [
  ...[
    "__proto__",
    "constructor",
    "toString",
    "",
    " ",
    "\0",
    "\x1b[2J\x1b]0;title\x07",
    "\u202eevil",
    "\u200b",
    "\ud800",
  ],
  ...[
    "x".repeat(100_000),
    "../../etc/passwd",
    "/dev/zero",
    "a\r\nb",
    "\u0085",
    "=cmd|calc",
    "%s%n",
    "é",
    "\ufeff",
    "nan",
    "con",
  ],
]
const oddValues = [
  ...[
    "null",
    "true",
    "[]",
    "{}",
    '""',
    "-1",
    "1e999",
    '{"__proto__":[1]}',
    "[[[]]]",
    "&a [*a]",
    "!!js/function x",
    "*a",
    "~",
  ],
]

/** Replaces one match of a pattern. */
const replaced = (pattern: RegExp, by: (random: Random) => string): Mutation => {
  return (bytes, random) => {
    const text = bytes.toString("latin1")
    const matches = [...text.matchAll(pattern)]
    if (matches.length === 0) return bytes
    const { index, 0: found } = matches[random.integer(matches.length)]!
    const now = Buffer.from(by(random), "utf8")
    return Buffer.concat([bytes.subarray(0, index), now, bytes.subarray(index + found.length)])
  }
}
const oneOf = (values: readonly string[]) => (random: Random) => values[random.integer(values.length)]!
const number = replaced(/-?\d+(\.\d+)?([eE][-+]?\d+)?/g, oneOf(oddNumbers))
const word = replaced(/[A-Za-z_][\w.-]*/g, oneOf(oddTexts))
const value = replaced(/"[^"\n]*"|-?\d+(\.\d+)?|\[[^[\]]*\]/g, oneOf(oddValues))
const letter = replaced(
  /[\\"'<>{}[\],:;=\s/-]/g,
  oneOf(["", "\\", '"', "<", ">", "{", "}", "[", "]", ",", ":", "\n", "\t", "\0", "&"]),
)
const nest = replaced(/[A-Za-z0-9]+/g, (random) => {
  const depth = [50, 200, 3000, 50_000][random.integer(4)]!
  return ["[", '{"a":', "<a>", "(", "- ", "{a: ", "&a ", "!!a "][random.integer(8)]!.repeat(depth)
})
/** A letter that many times: what looks at each of them from each of them never ends. */
const run: Mutation = (bytes, random) => {
  const at = placeIn(bytes.length, random)
  const letters = Buffer.alloc(300_000, " 7.a_-/?,\t\"['="[random.integer(14)])
  return Buffer.concat([bytes.subarray(0, at), letters, bytes.subarray(at)])
}
const line: Mutation = (bytes, random) => {
  const lines = bytes.toString("latin1").split("\n")
  const [from, to] = [random.integer(lines.length), random.integer(lines.length)]
  if (random.integer(2) === 0) lines.splice(to, 0, lines[from]!)
  else [lines[from], lines[to]] = [lines[to]!, lines[from]!]
  return Buffer.from(lines.join("\n"), "latin1")
}

const ofText: readonly Mutation[] = [number, number, number, word, word, value, letter, letter, nest, line, run]
