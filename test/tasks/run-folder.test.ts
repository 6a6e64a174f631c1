import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { makeRunFolder } from "../../src/tasks/training/run-folder.js"

const home = process.cwd()
let folder = ""
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "resdet-runs-"))
  process.chdir(folder)
})
afterEach(() => {
  process.chdir(home)
  rmSync(folder, { recursive: true })
})

test("each run gets the next free number", () => {
  expect([makeRunFolder("train"), makeRunFolder("train"), makeRunFolder("detect")]).toEqual([
    "runs/train/train1",
    "runs/train/train2",
    "runs/detect/detect1",
  ])
})

test("a folder that was asked for is used as it is", () => {
  expect([makeRunFolder("train", "a/b"), makeRunFolder("train", "a/b")]).toEqual(["a/b", "a/b"])
})
