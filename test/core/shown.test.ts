import { expect, test } from "vitest"
import { firstFew, shown, shownLines, shownMessage } from "../../src/core/shown.js"

test("what a terminal would obey is written out", () => {
  expect(shown("a\u001b]0;x\u0007\nb\u202ec\u0085")).toBe("a\\x1b]0;x\\x07\\nb\\u202ec\\u0085")
  expect(shown("M\u00fcller \u732b")).toBe("M\u00fcller \u732b")
})

test("long names keep their beginning and end", () => {
  expect(shown(`${"a".repeat(5000)}z`)).toBe(`${"a".repeat(100)}...${"a".repeat(99)}z`)
})

test("a message is one line, with long quotes, words and wholes cut", () => {
  expect(shownMessage(`/p/${"d".repeat(300)}/a.pth: is "x"`)).toContain("d".repeat(300))
  expect(shownMessage(`got "${"a b".repeat(1000)}" here`)).toHaveLength(`got "" here`.length + 203)
  expect(shownMessage("a ".repeat(9000)).length).toBeLessThan(2010)
  // Each of these takes several letters.
  for (const mark of ["\t", "\u001b", "\u202e"]) expect(shownMessage(mark.repeat(9000)).length).toBeLessThan(2010)
  expect(shownMessage("one\ntwo")).toBe("one\\ntwo")
})

test("lines stay lines, and JSON stays JSON", () => {
  expect(shownLines("a\n\u001bb")).toBe("a\n\\x1bb")
  const document = { name: "\u202e\u009b\u001b\u2028" }
  expect(JSON.parse(shownLines(JSON.stringify(document, null, 2)))).toEqual(document)
})

test("of many names the first are told, and how many more there are", () => {
  expect(firstFew(["a", "b", "c"])).toBe("a, b, c")
  expect(firstFew(["a", "b", "c", "d"])).toBe("a, b, c and 1 more")
  expect(firstFew([...Array(256).keys()].map(String), 8)).toBe("0, 1, 2, 3, 4, 5, 6, 7 and 248 more")
})
