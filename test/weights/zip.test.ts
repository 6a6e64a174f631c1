import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { zipSync } from "fflate"
import { afterAll, expect, test } from "vitest"
import { OpenFile } from "../../src/weights/open-file.js"
import { readZip } from "../../src/weights/zip.js"

const folder = mkdtempSync(join(tmpdir(), "resdet-zip-"))
afterAll(() => rmSync(folder, { recursive: true }))
const path = join(folder, "a.zip")

const archive = () =>
  Buffer.from(zipSync({ "a/one": Buffer.from("first"), "a/two": Buffer.from("second") }, { level: 0, comment: "end" }))
const entries = [0x50, 0x4b, 1, 2]
const end = [0x50, 0x4b, 5, 6]

function read<Result>(bytes: Buffer, use: (files: ReturnType<typeof readZip>) => Result): Result {
  writeFileSync(path, bytes)
  using file = new OpenFile(path)
  return use(readZip(file))
}

/** The archive with one number of its directory changed. */
function changed(change: (bytes: Buffer, firstEntry: number, end: number) => void): Buffer {
  const bytes = archive()
  change(bytes, bytes.indexOf(Buffer.from(entries)), bytes.indexOf(Buffer.from(end)))
  return bytes
}

test("files are found by name, whole and in part, behind a comment too", () => {
  read(archive(), (files) => {
    const names = [...files].map(([name, { size }]) => [name, size])
    expect(names).toEqual([
      ["a/one", 5],
      ["a/two", 6],
    ])
    expect(files.get("a/two")!.read().toString()).toBe("second")
    expect(files.get("a/two")!.read(2, 4).toString()).toBe("co")
  })
})

test("a torch file's archive is the one that fflate reads", () => {
  const whole = readFileSync("test/golden/torch-zip.pth")
  read(whole, (files) => expect([...files.keys()].some((name) => name.endsWith("/data.pkl"))).toBe(true))
})

test.each<[string, (bytes: Buffer, entry: number, end: number) => void, string]>([
  ["more entries than its directory can hold", (b, _, at) => b.writeUInt16LE(60_000, at + 10), "60000 entries"],
  ["a directory beyond its end", (b, _, at) => b.writeUInt32LE(1 << 20, at + 12), "its directory is cut off"],
  ["a directory where none is", (b, _, at) => b.writeUInt32LE(0, at + 16), "a broken entry"],
  ["two entries in one place", (b, at) => b.writeUInt32LE(0, at + 46 + 5 + 42), "overlaps another"],
  ["two entries of one name", (b) => b.write("a/one", b.lastIndexOf("a/two")), '"a/one" is in it twice'],
  ["an entry that is encrypted", (b, at) => b.writeUInt16LE(1, at + 8), "it is encrypted"],
  ["an entry of two sizes", (b, at) => b.writeUInt32LE(4, at + 24), "an entry of two sizes"],
  [
    "an entry as large as the archive",
    (b, at) => [20, 24].map((o) => b.writeUInt32LE(9999, at + o)),
    "overlaps another",
  ],
  ["sizes of 64 bits that are nowhere", (b, at) => b.writeUInt32LE(0xffffffff, at + 24), "a size that is not told"],
  ["a directory of 64 bits that is nowhere", (b, _, at) => b.writeUInt16LE(0xffff, at + 10), "no directory of 64 bits"],
])("an archive with %s is refused", (_, change, message) => {
  expect(() => read(changed(change), () => {})).toThrow(`${path}: the zip archive is broken (`)
  expect(() => read(changed(change), () => {})).toThrow(message)
})

test("an archive cut off anywhere is refused", () => {
  const whole = archive()
  for (let length = 0; length < whole.length - 3; length++) {
    expect(() => read(whole.subarray(0, length), () => {}), String(length)).toThrow("the zip archive is broken")
  }
})

test("a file whose content does not have its checksum is refused when it is read", () => {
  const bytes = archive()
  bytes[bytes.indexOf("second")] = 0x53
  read(bytes, (files) => {
    expect(files.get("a/one")!.read().toString()).toBe("first")
    expect(() => files.get("a/two")!.read()).toThrow('"a/two" is damaged')
  })
})
