import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { create } from "tar"
import { expect, test } from "vitest"
import { bytesOf, readArchivePart, withArchive } from "../../../datasets/tar/bytes.js"
import { tarEntries } from "../../../datasets/tar/entries.js"
import { tarFile, tarOf } from "../../support/tar-files.js"
import { tempFolder, writeFiles } from "../samples.js"

const entriesOf = (bytes: Buffer) => [...tarEntries(bytesOf("a.tar", bytes))]

test("the files of an archive lie where its headers say, folders and links are none", () => {
  const bytes = tarFile([
    { path: "photos/", type: "Directory" },
    { path: "./photos/a.jpg", content: "picture" },
    { path: "b.jpg", type: "SymbolicLink", linkpath: "/etc/passwd" },
    { path: "c.jpg", type: "Link", linkpath: "photos/a.jpg" },
    { path: "c.cls", content: "x".repeat(513) },
    { path: "empty" },
  ])
  const others: string[] = []
  const found = [...tarEntries(bytesOf("a.tar", bytes), undefined, (name) => others.push(name))]
  expect(found.map(({ name, size }) => [name, size])).toEqual([
    ["photos/a.jpg", 7],
    ["c.cls", 513],
    ["empty", 0],
  ])
  expect(bytes.toString("latin1", found[0]!.at, found[0]!.at + 7)).toBe("picture")
  expect(others).toEqual(["b.jpg", "c.jpg"])
})

test("an archive that a tool wrote is read by place, long names and an archive within it too", async () => {
  const folder = tempFolder()
  const long = `${"deep/".repeat(30)}${"n".repeat(120)}.jpg`
  writeFiles(folder, { [`in/${long}`]: "far down", "in/ä.cls": "7" })
  await create({ file: join(folder, "inner.tar"), cwd: join(folder, "in") }, ["."])
  await create({ file: join(folder, "outer.tar"), cwd: folder }, ["inner.tar"])
  const outer = join(folder, "outer.tar")
  const found = withArchive(outer, (bytes) =>
    [...tarEntries(bytes)].flatMap(({ at, size }) => [...tarEntries(bytes, { begin: at, end: at + size })]),
  )
  expect(found.map(({ name }) => name).sort()).toEqual([long, "ä.cls"].sort())
  const far = found.find(({ name }) => name === long)!
  expect(Buffer.from(await readArchivePart(outer, far.at, far.size)).toString()).toBe("far down")
})

const whole = tarOf({ "a.jpg": "picture", "a.cls": "3" })
const spoiled = (at: number, byte: number) => {
  const bytes = Buffer.from(whole)
  bytes[at] = byte
  return bytes
}
/** A header says that its file is larger than the archive. */
const claims = (size: number) => tarFile([{ path: "a.jpg", size }])

test.each([
  [Buffer.from([0x1f, 0x8b, ...Buffer.alloc(600)]), "is compressed by gzip"],
  [
    Buffer.from("not an archive".repeat(100)),
    "no tar archive, or a broken one: a header with a wrong checksum at byte 0",
  ],
  [Buffer.from("short"), "the archive is cut off: it has no end"],
  [spoiled(1024, 7), "a header with a wrong checksum at byte 1024"],
  [whole.subarray(0, 515), "the archive is cut off: a.jpg has 7 bytes, and 3 are left"],
  [whole.subarray(0, 2048), "the archive is cut off: it has no end"],
  [claims(2 ** 40), "the archive is cut off: a.jpg has 1099511627776 bytes, and 1024 are left"],
  [tarOf({ "../../etc/passwd": "x" }), 'unsafe-path: the file name "../../etc/passwd" leaves the data folder'],
  [tarOf({ "/etc/passwd": "x" }), 'unsafe-path: the file name "/etc/passwd" leaves the data folder'],
  [
    tarFile([{ path: "x", type: "ExtendedHeader", content: "x".repeat((1 << 20) + 1) }]),
    "an extended header of 1048577 bytes",
  ],
  [
    tarFile([
      { path: "x", type: "ExtendedHeader", content: "20 size=99999999999\n" },
      { path: "a.jpg", content: "abc" },
    ]),
    "a.jpg has 99999999999 bytes",
  ],
  [spoiled(124, 0x81), "a header with a wrong checksum at byte 0"],
])("archive %# that is none or claims more than it holds is refused in one line", (bytes, message) => {
  expect(() => entriesOf(bytes)).toThrow(message)
})

test("an archive that has become shorter is told when an image is read", async () => {
  const path = join(tempFolder(), "a.tar")
  writeFileSync(path, whole)
  await expect(readArchivePart(path, 512, 5000)).rejects.toThrow(
    "the archive is cut off: it has 3072 bytes, and 5512 are needed",
  )
  await expect(readArchivePart(`${path}.gone`, 0, 1)).rejects.toThrow("a.tar.gone: there is no such file")
  expect(() => withArchive(tempFolder(), () => 0)).toThrow(": not a file")
})
