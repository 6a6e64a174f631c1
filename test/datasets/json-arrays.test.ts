import { join } from "node:path"
import { expect, test } from "vitest"
import { readTopLevelArrays } from "../../datasets/json-arrays.js"
import { tempFolder, writeFiles } from "./samples.js"

function read(text: string, names: readonly string[]) {
  const folder = tempFolder()
  writeFiles(folder, { "a.json": text })
  const elements: Record<string, unknown[]> = Object.fromEntries(names.map((name) => [name, []]))
  const take = (name: string) => (element: unknown, index: number) => {
    elements[name]![index] = element
  }
  const handlers = Object.fromEntries(names.map((name) => [name, take(name)]))
  readTopLevelArrays(join(folder, "a.json"), handlers)
  return elements
}

test("brackets, quotes and commas inside texts do not end anything", () => {
  const content = { skipped: [{ a: [1] }], a: ['],"[{\\', { b: [[], {}], c: '"' }, 3, null], info: { a: [5] }, b: [] }
  expect(read(JSON.stringify(content, null, 1), ["a", "b"])).toEqual({ a: content.a, b: [] })
})

test("a file of several chunks comes whole, letters cut in two by a chunk included", () => {
  // 9 bytes an element and an odd start: chunk borders fall on every place of an element, also inside the letter.
  const list = Array.from({ length: 1_100_000 }, (_, i) => `é${i % 10}é`)
  const text = `{"x":"","a":${JSON.stringify(list)}}`
  expect(Buffer.byteLength(text)).toBeGreaterThan(8 << 20)
  const { a } = read(text, ["a"])
  expect(a!.length).toBe(list.length)
  expect(a!.every((element, i) => element === list[i])).toBe(true)
})

test("an element larger than a chunk comes whole", () => {
  const long = "[".repeat(9 << 20)
  const { a } = read(JSON.stringify({ x: "y", a: [long, 1] }), ["a"])
  expect(a!.length).toBe(2)
  expect(a![0] === long && a![1] === 1).toBe(true)
})
