import { readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { strToU8, zipSync } from "fflate"
import { expect, test, vi } from "vitest"
import { readDataset } from "../../datasets/read.js"
import { unzipped } from "../../datasets/unzip.js"
import { png, tempFolder, vocFile, vocObject } from "./samples.js"

const xml = strToU8(vocFile(vocObject("dog", [1, 1, 9, 9])))

function zip(files: Readonly<Record<string, Uint8Array>>): string {
  const path = join(tempFolder(), "data.zip")
  writeFileSync(path, zipSync({ ...files }))
  return path
}

test("a zip of a data set is read, whatever folder is around it, and unpacked once", async () => {
  vi.stubEnv("XDG_CACHE_HOME", tempFolder())
  const picture = png(40, 30)
  const flat = { "JPEGImages/a.png": picture, "Annotations/a.xml": xml, "__MACOSX/JPEGImages/._a.png": strToU8("x") }
  const wrapped = Object.fromEntries(Object.entries(flat).map(([name, content]) => [`voc/${name}`, content]))
  for (const files of [flat, wrapped]) {
    const source = zip(files)
    const { images, notices, faults } = await readDataset(source)
    expect(images.map(({ labels }) => [...labels])).toEqual([[1]])
    expect(faults).toEqual([])
    expect(notices![0]).toContain(`${source} is unpacked in `)
    expect((await readDataset(source)).images[0]!.file).toBe(images[0]!.file)
  }
  vi.unstubAllEnvs()
})

test("an archive that is broken, leaves its folder or would fill the disk leaves nothing behind", async () => {
  const cache = tempFolder()
  const broken = join(tempFolder(), "a.zip")
  writeFileSync(broken, "no archive")
  await expect(unzipped(broken, cache)).rejects.toThrow("a.zip: ")
  await expect(unzipped(zip({ "../x.png": png(4, 3) }), cache)).rejects.toThrow("invalid relative path")
  expect(readdirSync(cache)).toEqual([])
})
