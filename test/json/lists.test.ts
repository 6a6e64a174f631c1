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
  [`{"a": ${"[".repeat(600)}`, "byte 508", "500 levels"],
])("broken JSON names the byte: %s", async (text, place, rule) => {
  const error = await check(text).catch((thrown: Error) => thrown)
  expect(error).toMatchObject({ name: "DataError", exitCode: 3 })
  expect((error as Error).message).toContain("file.json: broken JSON at ")
  expect((error as Error).message).toContain(place)
  expect((error as Error).message).toContain(rule)
})

test.each([
  ["[1]", 'expected an object, got "[1]"'],
  ["", "expected an object, got an empty file"],
  ["<!DOCTYPE html><p>Please log in", "expected an object, got an HTML page"],
  ["<annotation/>", "got XML"],
  ["version https://git-lfs.github.com/spec/v1", "got a pointer of Git LFS"],
  ["{'images': []}", "this is Python's notation, not JSON"],
  ['{"a": None}', "this is Python's notation, not JSON"],
])("a document that is something else is called what it is: %s", async (text, message) => {
  await expect(check(text, 100)).rejects.toThrow(message)
})

test.each([
  [Uint8Array.of(0xff, 0xfe, 0x7b, 0), "UTF-16 text: save it as UTF-8"],
  [Uint8Array.of(0x7b, 0, 0x22, 0), "looks like UTF-16 text"],
  [Uint8Array.of(0x1f, 0x8b, 8, 0), "a gzip file"],
  [Uint8Array.of(0x50, 0x4b, 3, 4), "a zip file"],
])("bytes that are no text are called what they are", (bytes, message) => {
  expect(() => readJsonListsSync([bytes], "file.json", [], "an object")).toThrow(message)
})

test("JSON lines are a list where they may be, and so is a list", async () => {
  const read: unknown[] = []
  const reader = {
    name: "",
    lines: ["a"],
    read: (scanner: JsonScanner, index: number) => {
      read[index] = scanner.value()
    },
  }
  for (const text of ['{"a": 1}\n{"a": 2}\n', '{"a": 1}{"a": 2}', '[{"a": 1}, {"a": 2}]']) {
    read.length = 0
    await readJsonLists(pieces(text, 5), "file.jsonl", [reader], "a list")
    expect(read).toEqual([{ a: 1 }, { a: 2 }])
  }
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
