import fc from "fast-check"
import { expect, test } from "vitest"
import { readJsonLists, readJsonListsSync } from "../../src/json/lists.js"
import type { JsonScanner } from "../../src/json/scanner.js"

const encode = (text: string) => new TextEncoder().encode(text)

function pieces(text: string, size: number): Uint8Array[] {
  const bytes = encode(text)
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.slice(i * size, (i + 1) * size))
}

/** Reads a list of numbers, cut into pieces of `size` bytes. */
async function numbers(text: string, size = 7): Promise<(number | undefined)[]> {
  const read: (number | undefined)[] = []
  const reader = {
    name: "",
    read: (scanner: JsonScanner) => {
      const value = scanner.number()
      if (value === undefined) scanner.fail("expected a number")
      read.push(value)
    },
  }
  await readJsonLists(pieces(text, size), "file.json", [reader], "a list")
  return read
}

/** Walks over a document whose top level is an object, checking all of it. */
const check = (text: string, size = 3) => readJsonLists(pieces(text, size), "file.json", [], "an object")

test("every double is read as JSON.parse reads it, wherever the bytes are cut", async () => {
  const value = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer(),
    fc.double({ min: 0, max: 1000, noNaN: true }).map((x) => Math.round(x * 100) / 100),
  )
  const spelled = fc.oneof(
    value.map((x) => JSON.stringify(x)),
    value.map((x) => x.toExponential()),
    value.map((x) => `${JSON.stringify(x)}${Number.isInteger(x) && Math.abs(x) < 1e15 ? ".000" : ""}`),
    fc.constantFrom("-0", "0.1", "123456789012345.6", "1e-400", "9007199254740993", "0.30000000000000004", "1E+2"),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(spelled, { maxLength: 20 }), fc.integer({ min: 1, max: 40 }), async (texts, size) => {
      const text = `[${texts.join(" ,\n")}]`
      expect(await numbers(text, size)).toEqual(JSON.parse(text))
    }),
    { numRuns: 300 },
  )
})

test("whatever JSON.parse takes is taken, and whatever it refuses is refused", async () => {
  const noise = fc.array(
    fc.constantFrom(
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      '"a"',
      '"b\\n"',
      '"\\',
      "1",
      "-",
      "0",
      ".5",
      "e3",
      "true",
      "nul",
      " ",
    ),
    { maxLength: 8 },
  )
  const broken = noise.map((parts) => `{"list": [${parts.join("")}]}`)
  const whole = fc.json().map((text) => `{"list": [1, ${text}], "other": ${text}}`)
  await fc.assert(
    fc.asyncProperty(fc.oneof(broken, whole), fc.integer({ min: 1, max: 9 }), async (text, size) => {
      let valid = true
      try {
        JSON.parse(text)
      } catch {
        valid = false
      }
      // Escapes in strings that nobody reads are not looked into.
      const read = check(text, size).then(
        () => true,
        () => false,
      )
      if (valid || !text.includes('"\\')) expect(await read).toBe(valid)
    }),
    { numRuns: 500 },
  )
})

test.each([
  ['{"a": [1, 2,, 3]}', "byte 12", 'got ",'],
  ['{"a": [1, 2', "byte 11", "the file ends"],
  ['{"a": "never closed', "byte 19", "the file ends"],
  ['{"a": 1} x', "byte 9", "expected nothing more"],
  ['{"a": 01}', "byte 8", "leading 0"],
  ['{"a": 1.}', "byte 8", "expected a digit"],
  ['{"a" 1}', "byte 5", 'expected ":"'],
  ["[1]", "byte 0", "expected an object"],
  ["", "byte 0", "the file ends"],
  [`{"a": ${"[".repeat(600)}`, "byte 508", "500 levels"],
])("broken JSON names the byte: %s", async (text, place, rule) => {
  const error = await check(text).catch((thrown: Error) => thrown)
  expect(error).toMatchObject({ name: "DataError", exitCode: 3 })
  expect((error as Error).message).toContain("file.json: broken JSON at ")
  expect((error as Error).message).toContain(place)
  expect((error as Error).message).toContain(rule)
})

test("Python's NaN and Infinity are numbers, so that their record can be named", async () => {
  expect(await numbers("[NaN, Infinity, -Infinity]")).toEqual([Number.NaN, Infinity, -Infinity])
})

test("a byte order mark is jumped over", async () => {
  expect(await numbers("\uFEFF[5]", 100)).toEqual([5])
})

test("a list that is not a list is refused by name", async () => {
  const reader = { name: "images", read: (scanner: JsonScanner) => scanner.skip() }
  const reading = readJsonLists([encode('{"images": 5}')], "file.json", [reader], "an object")
  await expect(reading).rejects.toThrow('expected "images" to be a list, got "5}"')
})

test("elements of any kind are what JSON.parse gives, wherever the bytes are cut, at once or as they come", async () => {
  const document = fc.record({
    list: fc.array(fc.jsonValue(), { maxLength: 6 }),
    info: fc.jsonValue(),
    other: fc.jsonValue(),
  })
  await fc.assert(
    fc.asyncProperty(document, fc.integer({ min: 1, max: 20 }), async (value, size) => {
      const text = JSON.stringify(value)
      const read = () => {
        const found: { list: unknown[]; info?: unknown } = { list: [] }
        const readers = [
          { name: "list", read: (scanner: JsonScanner) => void found.list.push(scanner.value()) },
          {
            name: "info",
            single: true,
            read: (scanner: JsonScanner) => {
              found.info = scanner.value()
            },
          },
        ]
        return { found, readers }
      }
      const { list, info } = JSON.parse(text)
      const [once, later] = [read(), read()]
      expect(readJsonListsSync(pieces(text, size), "file.json", once.readers, "an object")).toEqual(
        new Set(["list", "info"]),
      )
      await readJsonLists(pieces(text, size), "file.json", later.readers, "an object")
      expect([once.found, later.found]).toEqual([
        { list, info },
        { list, info },
      ])
    }),
    { numRuns: 200 },
  )
})

test("NaN in an element that is read whole is refused with its byte", () => {
  const reader = { name: "", read: (scanner: JsonScanner) => void scanner.value() }
  expect(() => readJsonListsSync(pieces('[1, {"a": NaN}]', 4), "file.json", [reader], "a list")).toThrow(
    "file.json: broken JSON at byte 4: expected JSON without NaN, Infinity and broken escapes",
  )
})
