import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, test } from "vitest"

/** The files that a call loads before it ends. */
function loadedBy(...args: string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), "resdet-loaded-"))
  try {
    const list = join(folder, "modules.txt")
    const hook = ["--import", "./test/support/loaded-modules.mjs"]
    const { status, stderr } = spawnSync(process.execPath, [...hook, "bin/resdet.js", ...args], {
      encoding: "utf8",
      env: { ...process.env, LOADED_MODULES: list },
    })
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" })
    return readFileSync(list, "utf8").split("\n")
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The parts that `zod` loads by itself, which are not ours to leave out. */
const isOfZod = (file: string) => file.includes("/node_modules/zod/")

// Time is lost by what is loaded: these counts stand for it. They may be raised for a reason, not by an import that slipped in.
test.each([
  { args: ["--help"], most: 24 },
  { args: ["train", "--help"], most: 69 },
  { args: ["detect", "--help"], most: 60 },
])("resdet $args loads few files, and none that a computation needs", ({ args, most }) => {
  const loaded = loadedBy(...args)
  const heavy = /node_modules\/(@tensorflow|onnxruntime|sharp|yaml|cli-progress|string-width|piscina|tar|yauzl)\//
  expect(loaded.filter((file) => heavy.test(file))).toEqual([])
  const own = loaded.filter((file) => !isOfZod(file))
  expect(own.some((file) => file.endsWith("/cli/main.js"))).toBe(true)
  expect(own.length).toBeLessThanOrEqual(most)
})
