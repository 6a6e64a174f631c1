import { spawnSync } from "node:child_process"
import { expect, test } from "vitest"
import { mutate } from "../../scripts/campaigns/mutate.js"

const campaign = (...args: string[]) => {
  const file = "dist/scripts/campaigns/mutations.js"
  return spawnSync(process.execPath, [file, ...args], { encoding: "utf8" })
}

test("a number gives the same mutation again, and another one another", () => {
  const original = Buffer.from('{"boxes": [[1, 2, 30, 40]], "names": ["dog", "cat"]}')
  const all = Array.from({ length: 200 }, (_, seed) => mutate(original, seed, true).toString("latin1"))
  expect(Array.from({ length: 200 }, (_, seed) => mutate(original, seed, true).toString("latin1"))).toEqual(all)
  expect(new Set(all).size).toBeGreaterThan(150)
  expect(original.toString()).toContain("30, 40")
})

test("every reader takes mutated files without a finding", () => {
  const { status, stdout, stderr } = campaign("--count", "2")
  expect(stderr).toBe("")
  expect(stdout.trim().split("\n").length).toBeGreaterThan(40)
  expect(status).toBe(0)
})

test("an unknown reader is refused", () => {
  const { status, stderr } = campaign("--readers", "nothing")
  expect([status, stderr]).toEqual([2, expect.stringContaining("unknown reader nothing. Known: safetensors, ")])
})
