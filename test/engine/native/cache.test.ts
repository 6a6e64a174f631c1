import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { findNative, nativePaths, readEntry } from "../../../src/engine/native/cache.js"

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "resdet-cache-"))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe("findNative", () => {
  function entryOf(size: number): void {
    const { root, current } = nativePaths(folder)
    mkdirSync(join(root, "e"), { recursive: true })
    writeFileSync(join(root, "e", "lib"), "12345")
    writeFileSync(join(root, "e", "manifest.json"), JSON.stringify({ files: { lib: { size, sha256: "" } } }))
    writeFileSync(current, JSON.stringify({ folder: "e" }))
  }

  it("finds the entry in use when its files are whole", () => {
    entryOf(5)
    expect(findNative(folder)?.folder).toBe(join(nativePaths(folder).root, "e"))
  })

  it("finds nothing when a file is cut short or missing, or nothing was set up", () => {
    expect(findNative(folder)).toBeUndefined()
    entryOf(6)
    expect(findNative(folder)).toBeUndefined()
    writeFileSync(join(nativePaths(folder).root, "e", "manifest.json"), "{")
    expect(findNative(folder)).toBeUndefined()
    expect(readEntry(folder)).toBeUndefined()
  })
})
