import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, expect, test, vi } from "vitest"
import { UserError } from "../../src/core/errors.js"
import { exportModel } from "../../src/tasks/export-model.js"

const folder = mkdtempSync(join(tmpdir(), "resdet-export-task-"))
afterAll(() => rmSync(folder, { recursive: true }))

vi.mock("../../src/onnx/write-onnx.js", () => ({
  writeOnnx(weights: string, out: string) {
    writeFileSync(out, "graph")
    return { kind: "detector", weights, out, model: "m", classes: 1, operations: 1 }
  },
}))
vi.mock("../../src/predict/check-export.js", () => ({
  async checkExport({ weights, out }: { weights: string; out: string }) {
    if (weights === "bad") throw new UserError(`${out}: differs from ${weights}`)
    return { kind: "classifier", logit: 0 }
  },
}))

test("a file that fails its check leaves nothing, and what was there as it was", async () => {
  const out = join(folder, "a.onnx")
  await expect(exportModel({ weights: "bad", out, format: "onnx" })).rejects.toThrow(`${out}: differs from bad`)
  expect(readdirSync(folder)).toEqual([])
  expect(await exportModel({ weights: "good", out, format: "onnx" })).toMatchObject({ out, check: { logit: 0 } })
  await expect(exportModel({ weights: "bad", out, format: "onnx" })).rejects.toThrow("differs")
  expect(readFileSync(out, "utf8")).toBe("graph")
  expect(readdirSync(folder)).toEqual(["a.onnx"])
})

test("a page whose detector fails its check is told by its own name", async () => {
  const out = join(folder, "page")
  await expect(exportModel({ weights: "bad", out, format: "web" })).rejects.toThrow(
    new UserError(`${out}: differs from bad`),
  )
  expect(existsSync(out)).toBe(false)
})
