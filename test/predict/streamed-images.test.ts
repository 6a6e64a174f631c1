import { createReadStream, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Readable } from "node:stream"
import { create } from "tar"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { DataError } from "../../src/core/errors.js"
import { openImageSource } from "../../src/predict/image-source.js"
import type { SourceImage } from "../../src/predict/source-image.js"

let folder = ""
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "resdet-stream-"))
  mkdirSync(join(folder, "p/sub"), { recursive: true })
  for (const name of ["a.jpg", "a.png", "b.txt", "sub/c.JPG"]) writeFileSync(join(folder, "p", name), `this is ${name}`)
})
afterEach(() => rmSync(folder, { recursive: true }))

async function all(source: string, input: Readable) {
  const images: SourceImage[] = []
  for await (const image of await openImageSource(source, { standardInput: input })) images.push(image)
  return images
}

describe("names on standard input", () => {
  test("are one a line, relative to where the process runs", async () => {
    const text = `# photos\n${join(folder, "p/a.jpg")}\r\n\n  sub/b.png  \n/x/../y/a.jpg\n`
    const found = await all("-", Readable.from([text.slice(0, 30), text.slice(30)], { objectMode: false }))
    expect(found.map(({ file }) => file)).toEqual([
      join(folder, "p/a.jpg"),
      join(process.cwd(), "sub/b.png"),
      "/y/a.jpg",
    ])
    expect(found.map(({ stem }) => stem).slice(1)).toEqual(["sub/b", "y/a"])
  })

  test("may be none", async () => {
    expect(await all("-", Readable.from([]))).toEqual([])
  })

  test("that come again have names of their own for output", async () => {
    const found = await all("-", Readable.from(["a.jpg\na.jpg\na.png\na.jpg\n"], { objectMode: false }))
    expect(found.map(({ stem }) => stem)).toEqual(["a", "a.jpg", "a.png", "a.jpg-2"])
  })
})

describe.each([false, true])("a tar archive, gzipped: %s", (gzip) => {
  const archive = () => join(folder, gzip ? "p.tar.gz" : "p.tar")
  beforeEach(() =>
    create({ gzip, file: archive(), cwd: folder, portable: true }, ["p/a.jpg", "p/b.txt", "p/a.png", "p/sub"]),
  )

  test("gives its images with their bytes, from standard input or as a file", async () => {
    for (const [source, input] of [
      ["-", createReadStream(archive())],
      [archive(), Readable.from([])],
    ] as const) {
      const found = await all(source, input)
      expect(found.map(({ path, stem }) => [path, stem])).toEqual([
        ["p/a.jpg", "p/a"],
        ["p/a.png", "p/a.png"],
        ["p/sub/c.JPG", "p/sub/c"],
      ])
      expect(found.map(({ bytes }) => Buffer.from(bytes!).toString())).toEqual([
        "this is a.jpg",
        "this is a.png",
        "this is sub/c.JPG",
      ])
    }
  })

  test("that ends early is an error", async () => {
    truncateSync(archive(), gzip ? 60 : 700)
    await expect(all(archive(), Readable.from([]))).rejects.toThrow(DataError)
  })
})

test("members' names lead nowhere out of the output", async () => {
  const bytes = await new Promise<Buffer>((done) => {
    const chunks: Buffer[] = []
    create({ cwd: join(folder, "p/sub"), preservePaths: true, portable: true }, ["../a.jpg"])
      .on("data", (chunk: Buffer) => chunks.push(chunk))
      .on("end", () => done(Buffer.concat(chunks)))
  })
  expect(bytes.toString("latin1", 0, 8)).toBe("../a.jpg")
  expect(await all("-", Readable.from([bytes], { objectMode: false }))).toMatchObject([{ path: "a.jpg", stem: "a" }])
})

test("where nothing can be streamed, - and archives are what they were: no source", async () => {
  await expect(openImageSource("-")).rejects.toThrow("no such file or folder")
  expect(readFileSync(join(folder, "p/a.jpg"), "utf8")).toBe("this is a.jpg")
})
