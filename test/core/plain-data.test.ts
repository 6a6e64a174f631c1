import { expect, test } from "vitest"
import { parseJson, parseYaml } from "../../src/core/plain-data.js"

test("a YAML text is plain data", () => {
  expect(parseYaml("a: 1\nb: [x, {c: null}]\nd: &n 3\ne: *n\n")).toEqual({ a: 1, b: ["x", { c: null }], d: 3, e: 3 })
  expect([parseYaml(""), parseYaml("0.5"), parseYaml("# nothing")]).toEqual([null, 0.5, null])
})

test.each([
  ["many brackets", "[".repeat(5000), "deeper than 100 levels"],
  ["many groups", "{a: ".repeat(3000), "deeper than 100 levels"],
  ["many lists", "- ".repeat(20_000), "deeper than 100 levels"],
  ["many question marks", "? ".repeat(20_000), "deeper than 100 levels"],
  ["a circle", "a: &a [*a]", "deeper than 100 levels"],
  [
    "aliases of aliases",
    `a: &a [${"x,".repeat(9)}]\n${["b", "c", "d", "e"].map((k, i) => `${k}: &${k} [${`*${"abcd"[i]},`.repeat(9)}]\n`).join("")}`,
    "alias",
  ],
  ["a very long text", "a".repeat(1_000_001), "at most 1000000 letters"],
  ["two documents", "a\n---\nb", "one YAML document"],
  ["a key twice", "a: {b: 1, b: 2}", '"b" appears twice'],
  ["a broken line", "a: 1\nb: [1\nc: 2", "at line 3, column 1"],
])("%s are refused, again and again", (_, text, message) => {
  for (let i = 0; i < 3; i++) expect(() => parseYaml(text)).toThrow(message)
})

test("aliases can be refused", () => {
  expect(() => parseYaml("[&a 1, *a]", { aliases: false })).toThrow("Alias")
  expect(parseYaml("[1, 2]", { aliases: false })).toEqual([1, 2])
})

test("many keys take time in proportion to their number", () => {
  const keys = Array.from({ length: 30_000 }, (_, k) => `k${k}: ${k}`)
  expect(parseYaml(keys.join("\n"))).toMatchObject({ k0: 0, k29999: 29_999 })
})

test("JSON that goes deep is refused", () => {
  expect(parseJson('{"a":[1]}')).toEqual({ a: [1] })
  expect(() => parseJson(`${"[".repeat(5000)}${"]".repeat(5000)}`)).toThrow("deeper than 100 levels")
})
