import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, expect, test } from "vitest"
import { writeSafetensors } from "../../src/weights/safetensors.js"
import { storedFile } from "../support/stored-file.js"

const folder = mkdtempSync(join(tmpdir(), "resdet-safetensors-"))
afterAll(() => rmSync(folder, { recursive: true }))

/** Writes a file of this header and these bytes, with no check at all. */
function craft(header: unknown, bytes: Uint8Array = new Uint8Array(0), length?: number): string {
  const json = Buffer.from(typeof header === "string" ? header : JSON.stringify(header))
  const prefix = Buffer.alloc(8)
  prefix.writeBigUInt64LE(BigInt(length ?? json.length))
  const path = join(folder, "crafted.safetensors")
  writeFileSync(path, Buffer.concat([prefix, json, bytes]))
  return path
}

const tensor = (dtype: string, shape: unknown, from: unknown, to: unknown) => ({
  dtype,
  shape,
  data_offsets: [from, to],
})

test("what is written is read again, bit for bit", () => {
  const path = join(folder, "round.safetensors")
  const values = Float32Array.from([0, -0, 1e-45, Number.NaN, Number.POSITIVE_INFINITY, 0.1])
  writeSafetensors(
    path,
    [
      ["a.weight", { shape: [2, 3], values }],
      ["empty", { shape: [0], values: new Float32Array(0) }],
      ["b", { shape: [], values: Float32Array.of(7) }],
    ],
    { note: "ä" },
  )
  const file = storedFile(path)
  expect(file.metadata).toEqual({ note: "ä" })
  expect([...file.tensors].map(([name, { shape }]) => [name, shape])).toEqual([
    ["a.weight", [2, 3]],
    ["empty", [0]],
    ["b", []],
  ])
  expect(new Uint32Array(file.read("a.weight").buffer)).toEqual(new Uint32Array(values.buffer))
  expect(file.read("b")).toEqual(Float32Array.of(7))
  expect(readdirSync(folder)).toEqual(["round.safetensors"])
  expect(readFileSync(path).readBigUInt64LE() % 8n).toBe(0n)
})

test("every float type becomes float32", () => {
  const halves = Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7c00)
  const brains = Uint16Array.of(0x3f80, 0xc040)
  const bytes = Buffer.concat([
    Buffer.from(halves.buffer),
    Buffer.from(brains.buffer),
    Buffer.from(Float64Array.of(0.5, -3).buffer),
    Buffer.from(BigInt64Array.of(-7n).buffer),
  ])
  const file = storedFile(
    craft(
      {
        h: tensor("F16", [4], 0, 8),
        b: tensor("BF16", [2], 8, 12),
        d: tensor("F64", [2], 12, 28),
        i: tensor("I64", [], 28, 36),
      },
      bytes,
    ),
  )
  expect([...file.read("h")]).toEqual([1, -2, 2 ** -24, Number.POSITIVE_INFINITY])
  expect([...file.read("b")]).toEqual([1, -3])
  expect([...file.read("d")]).toEqual([0.5, -3])
  expect([...file.read("i")]).toEqual([-7])
})

const eight = new Uint8Array(8)
test.each<[string, () => string, string]>([
  ["a header longer than the file", () => craft("{}", eight, 5000), "a header of 5000 bytes does not fit into 18"],
  ["a giant header", () => craft("{}", eight, 2 ** 40), "a header of 1099511627776 bytes is too large"],
  ["a header that is no JSON", () => craft("{nope", eight), "the header is not a JSON object"],
  ["a header that is a list", () => craft("[]"), "the header is not a JSON object"],
  ["metadata that are no strings", () => craft({ __metadata__: { a: 1 } }), "__metadata__ is not a table of strings"],
  ["an entry that is no object", () => craft({ a: 5 }), 'tensor "a" is not described by an object'],
  ["an unknown type", () => craft({ a: tensor("F31", [2], 0, 8) }, eight), 'tensor "a" has an unknown type "F31"'],
  ["a type named like a method", () => craft({ a: tensor("toString", [2], 0, 8) }, eight), "unknown type"],
  ["a negative size", () => craft({ a: tensor("F32", [-2], 0, 8) }, eight), 'tensor "a" has a bad shape [-2]'],
  ["a fractional offset", () => craft({ a: tensor("F32", [2], 0.5, 8) }, eight), 'tensor "a" has bad offsets [0.5,8]'],
  ["a shape of other size", () => craft({ a: tensor("F32", [3], 0, 8) }, eight), 'tensor "a" needs 12 bytes and has 8'],
  ["a shape that overflows", () => craft({ a: tensor("F32", [2 ** 40, 2 ** 40], 0, 8) }, eight), "and has 8"],
  [
    "an overlap",
    () => craft({ a: tensor("F32", [1], 0, 4), b: tensor("F32", [1], 0, 4) }, eight),
    'tensor "b" overlaps another',
  ],
  ["a gap", () => craft({ a: tensor("F32", [1], 4, 8) }, eight), 'tensor "a" leaves a gap before it'],
  ["missing values", () => craft({ a: tensor("F32", [4], 0, 16) }, eight), "bytes, the file has"],
  ["values of no tensor", () => craft({ a: tensor("F32", [1], 0, 4) }, eight), "4 bytes belong to no tensor"],
])("%s is refused in one line", (_, make, message) => {
  const path = make()
  expect(() => storedFile(path)).toThrow(new RegExp(`^${path}: not a whole safetensors file: .*`))
  expect(() => storedFile(path)).toThrow(message)
})

test("a file that is not there, is a folder or is too short is named", () => {
  expect(() => storedFile(join(folder, "none"))).toThrow(`${join(folder, "none")}: no such file`)
  expect(() => storedFile(folder)).toThrow(`${folder}: not a file`)
  const short = join(folder, "short")
  writeFileSync(short, "abc")
  expect(() => storedFile(short)).toThrow("3 bytes are too few for a header")
})

test("a tensor that cannot be read is named", () => {
  const file = storedFile(craft({ a: tensor("C64", [1], 0, 8) }, eight))
  expect([...file.tensors.keys()]).toEqual(["a"])
  expect(() => file.read("a")).toThrow("a tensor has type C64; can be read: F32, F64, F16, BF16")
})

test("a file that cannot be written leaves nothing behind", () => {
  writeFileSync(join(folder, "file"), "")
  const path = join(folder, "file/a.safetensors")
  expect(() => writeSafetensors(path, [])).toThrow(`${path}: cannot be written`)
})

test.each([
  ["a header that goes deep", `{"a":${"[".repeat(5000)}${"]".repeat(5000)}}`, "the header is not a JSON object"],
  [
    "a tensor of very many sides",
    `{"a":{"dtype":"F32","shape":[${"1,".repeat(100)}1],"data_offsets":[0,4]}}`,
    "a bad shape a list",
  ],
  ["a name without end", `{"${"a".repeat(9000)}":3}`, /^.{0,600}$/],
])("%s is refused in one short line", (_, header, message) => {
  const bytes = Buffer.alloc(8 + header.length + 4)
  bytes.writeBigUInt64LE(BigInt(header.length))
  bytes.write(header, 8)
  const path = join(folder, "deep.safetensors")
  writeFileSync(path, bytes)
  expect(() => storedFile(path)).toThrow(message)
})
