import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest"
import { DataError, UsageError } from "../../src/core/errors.js"
import { openImageSource } from "../../src/predict/image-source.js"

let folder = ""
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "resdet-source-"))
  for (const name of [
    "photos/b.PNG",
    "photos/a.jpg",
    "photos/notes.txt",
    "photos/sub/deep/a.jpg",
    "photos/sub/c.webp",
    "photos/n/z.tif",
  ]) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), "")
  }
  mkdirSync(join(folder, "empty"))
})
afterAll(() => rmSync(folder, { recursive: true }))

async function read(source: string) {
  const images = []
  for await (const image of await openImageSource(source)) images.push(image)
  return images
}

const paths = async (source: string) => (await read(source)).map(({ path }) => path)

test("a folder gives its images and those of its sub-folders, in the order of their names", async () => {
  expect(await read(join(folder, "photos"))).toEqual(
    [
      ["a.jpg", "a"],
      ["b.PNG", "b"],
      ["n/z.tif", "n/z"],
      ["sub/c.webp", "sub/c"],
      ["sub/deep/a.jpg", "sub/deep/a"],
    ].map(([path, stem]) => ({ file: join(folder, "photos", path!), path, stem })),
  )
})

test("a source can be read twice", async () => {
  const source = await openImageSource(join(folder, "photos"))
  const count = async () => {
    let images = 0
    for await (const _ of source) images++
    return images
  }
  expect([await count(), await count()]).toEqual([5, 5])
})

test("an empty folder gives no images", async () => {
  expect(await read(join(folder, "empty"))).toEqual([])
})

test("the address of an image gives its bytes, under a name that leads nowhere", async () => {
  const server = createServer((_, response) => response.end("pixels"))
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const bytes = Buffer.from("pixels")
  expect(await read(`http://127.0.0.1:${port}/photos/a.jpg?size=2`)).toEqual([
    { file: "", bytes, path: "a.jpg", stem: "a" },
  ])
  expect(await paths(`http://127.0.0.1:${port}/%2e%2e%2fa.jpg`)).toEqual(["%2e%2e%2fa.jpg"])
  expect(await paths(`http://127.0.0.1:${port}`)).toEqual(["127.0.0.1"])
})

test("one image gives itself", async () => {
  const file = join(folder, "photos/b.PNG")
  expect(await read(file)).toEqual([{ file, path: "b.PNG", stem: "b" }])
})

test("a pattern gives what it finds, relative to the folder all of it is in", async () => {
  expect(await paths(join(folder, "photos/**/*.jpg"))).toEqual(["a.jpg", "sub/deep/a.jpg"])
  expect(await paths(join(folder, "photos/sub/**/*"))).toEqual(["c.webp", "deep/a.jpg"])
})

test("a list's paths are relative to the list, and lines that hold none are passed over", async () => {
  const list = join(folder, "photos/list.txt")
  writeFileSync(list, `# test photos\n\nsub/c.webp\r\n${join(folder, "photos/a.jpg")}\n`)
  expect((await read(list)).map(({ file }) => file)).toEqual([
    join(folder, "photos/sub/c.webp"),
    join(folder, "photos/a.jpg"),
  ])
  rmSync(list)
})

test("a list's path that leads out of its folder gives a name that does not", async () => {
  const list = join(folder, "photos/sub/list.txt")
  writeFileSync(list, "../a.jpg\n../../photos/b.PNG\na.jpg\n")
  expect(await read(list)).toEqual([
    { file: join(folder, "photos/a.jpg"), path: "a.jpg", stem: "a.jpg" },
    { file: join(folder, "photos/b.PNG"), path: "b.PNG", stem: "b" },
    { file: join(folder, "photos/sub/a.jpg"), path: "a.jpg", stem: "a.jpg-2" },
  ])
  rmSync(list)
})

test("a link to a folder above ends the walk instead of going round", async () => {
  symlinkSync(join(folder, "photos"), join(folder, "photos/sub/loop"))
  expect(await paths(join(folder, "photos"))).toHaveLength(5)
  rmSync(join(folder, "photos/sub/loop"))
})

test("a source that is not there is one line", async () => {
  await expect(openImageSource("/none/here")).rejects.toThrow(
    new UsageError(
      "/none/here: no such file or folder. Expected an image, a video, a folder, a pattern or a list file",
    ),
  )
  await expect(openImageSource("/none/*.jpg")).rejects.toThrow(/^\/none\/\*\.jpg: the pattern finds no image/)
})

test("a list without paths is refused", async () => {
  const list = join(folder, "empty/list.txt")
  writeFileSync(list, "# nothing\n")
  const attempt = openImageSource(list)
  await expect(attempt).rejects.toThrow(DataError)
  await expect(attempt).rejects.toThrow(/list\.txt: expected a path of an image on each line, got none/)
})
