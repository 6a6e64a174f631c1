import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { DataError } from "../../src/core/errors.js"
import { expectPlace, isOfOneFile, makeFolder, partBeside, WriteError, writeWhole } from "../../src/core/write-whole.js"

let folder = ""
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "resdet-write-"))
})
afterEach(() => rmSync(folder, { recursive: true }))

test("a file is made with its folders, of a text, bytes or pieces, and nothing stays beside it", () => {
  const path = join(folder, "a", "b", "c.txt")
  for (const content of ["abc", Buffer.from("abc"), [Buffer.from("a"), Buffer.from("bc")]]) {
    writeWhole(path, content)
    expect(readFileSync(path, "utf8")).toBe("abc")
  }
  expect(readdirSync(join(folder, "a", "b"))).toEqual(["c.txt"])
})

test("a place for a file is tried before the work, and nothing is made", () => {
  writeFileSync(join(folder, "file"), "")
  for (const path of [join(folder, "new"), join(folder, "a", "b", "new"), join(folder, "file"), "/dev/null"]) {
    expect(() => expectPlace(path), path).not.toThrow()
  }
  expect(() => expectPlace(folder)).toThrow(/: cannot be written \(it is a folder: name a file in it\)$/)
  expect(() => expectPlace(join(folder, "file", "new"))).toThrow(
    /file[/\\]new: cannot be written \(.*file is a file, not a folder\)$/,
  )
  expect(() => writeWhole(folder, "text")).toThrow(/: cannot be written \(it is a folder: /)
  expect(readdirSync(folder)).toEqual(["file"])
})

test.runIf(existsSync("/proc/self"))("a folder that cannot be made is an error, not an endless loop", () => {
  for (const path of ["/proc/resdet", "/proc/resdet/a/b"]) expect(() => makeFolder(path)).toThrow(/ENOENT.*mkdir/)
  expect(() => makeFolder(join(folder, "a", "b"))).not.toThrow()
  expect(() => makeFolder(join(folder, "a", "b"))).not.toThrow()
})

test("what was there stays when a piece cannot be made, and no part does", () => {
  const path = join(folder, "a")
  writeFileSync(path, "old")
  const pieces = function* () {
    yield Buffer.from("new")
    throw new DataError("no more")
  }
  expect(() => writeWhole(path, pieces())).toThrow("no more")
  expect(readFileSync(path, "utf8")).toBe("old")
  expect(readdirSync(folder)).toEqual(["a"])
})

test("a link of the file's name is replaced, never written through", () => {
  const victim = join(folder, "victim")
  writeFileSync(victim, "old")
  symlinkSync(victim, join(folder, "a"))
  writeWhole(join(folder, "a"), "new")
  expect([readFileSync(victim, "utf8"), readFileSync(join(folder, "a"), "utf8")]).toEqual(["old", "new"])
})

test("a link on the way from the user's folder is refused, one above it is followed", () => {
  const [elsewhere, out] = [join(folder, "elsewhere"), join(folder, "out")]
  mkdirSync(elsewhere)
  symlinkSync(elsewhere, out)
  writeWhole(join(out, "images", "a"), "x", { within: out })
  expect(existsSync(join(elsewhere, "images", "a"))).toBe(true)
  symlinkSync(elsewhere, join(out, "labels"))
  expect(() => writeWhole(join(out, "labels", "a"), "x", { within: out })).toThrow(`${join(out, "labels")} is a link`)
})

test("a name of as many letters as a name may have can be written, a longer one is that file's fault", () => {
  writeWhole(join(folder, "n".repeat(255)), "x")
  const caught = (path: string): unknown => {
    try {
      return writeWhole(path, "x")
    } catch (error) {
      return error
    }
  }
  const error = caught(join(folder, "n".repeat(256)))
  expect(error).toBeInstanceOf(WriteError)
  expect(isOfOneFile(error)).toBe(true)
  expect(isOfOneFile(new WriteError("a", Object.assign(new Error("full"), { code: "ENOSPC" })))).toBe(false)
})

test("parts have names that cannot be foreseen", () => {
  expect(partBeside("/a/b.txt")).toMatch(/^\/a\/\.[0-9a-f-]{13}\.part$/)
  expect(partBeside("/a/b")).not.toBe(partBeside("/a/b"))
})
