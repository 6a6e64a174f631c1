import { createHash } from "node:crypto"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { UsageError, UserError } from "../../src/core/errors.js"
import { publishedWeights } from "../../src/setup/published-weights.js"
import { resolveConfig } from "../../src/tasks/config.js"
import { listenerOf } from "../../src/tasks/hooks.js"
import { weightsFiles, withNamedWeights } from "../../src/tasks/named-weights.js"
import { trainSchema } from "../../src/tasks/options/train-detector.js"
import { getWeights, listWeights, whereWeights } from "../../src/tasks/weights.js"

let folder = ""
let server: Server
let asked: string[] = []
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "resdet-weights-"))
  vi.stubEnv("RESDET_CACHE", join(folder, "cache"))
  asked = []
  server = createServer((request, response) => {
    asked.push(request.url!)
    response.end("weights")
  })
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  server.closeAllConnections()
  await new Promise((done) => server.close(done))
  rmSync(folder, { recursive: true })
})
const from = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/mirror/`

test("every file is torchvision's, with the hash that its name carries", () => {
  for (const { url, file, check, licence, accuracy } of publishedWeights()) {
    expect(url).toBe(`https://download.pytorch.org/models/${file}`)
    expect(file).toContain(`-${check.hex}.pth`)
    expect(check.hex).toMatch(/^[0-9a-f]{8}$/)
    expect(licence).toContain("BSD-3-Clause")
    expect(accuracy).toMatch(/\d/)
  }
  expect(new Set(listWeights().map(({ name }) => name)).size).toBe(listWeights().length)
})

test("weights are fetched from another server where one is named, and refused when they are others", async () => {
  await expect(getWeights({ name: "resnet18", from: from() })).rejects.toThrow(/its SHA-256 begins .*expected f37072fd/)
  expect(asked).toEqual(["/mirror/resnet18-f37072fd.pth"])
  expect(whereWeights({ name: "resnet18" }).isThere).toBe(false)
})

test("an unknown name is answered with the nearest", async () => {
  await expect(getWeights({ name: "resnet51" })).rejects.toThrow(/unknown weights "resnet51"\. Did you mean "resnet50/)
  expect(() => whereWeights({ name: "imagnet" })).toThrow(UsageError)
})

test("--weights: a file that is there goes first, other text stays as it is, a name that is not here asks for the network", async () => {
  const listener = listenerOf({})
  expect(await weightsFiles(["a.safetensors", "b.onnx"], true, listener)).toEqual(["a.safetensors", "b.onnx"])
  await expect(weightsFiles("coco", true, listener)).rejects.toThrow(
    /^--offline: fasterrcnn_resnet50_fpn_coco-258fb6c6\.pth is not here\. Put .* into .*cache.weights; it is published at https/,
  )
  const options = { weights: "imagenet", offline: true }
  const wanted = (model?: string) => withNamedWeights({ ...options, model }, "fasterrcnn_resnet18_c4", listener)
  await expect(wanted()).rejects.toThrow("resnet18-f37072fd.pth is not here")
  await expect(wanted("fasterrcnn_resnet101_fpn")).rejects.toThrow("resnet101-63fe2227.pth is not here")
  await expect(wanted("cifar_resnet20")).rejects.toThrow(/expected --model with a ResNet that is published/)
  await expect(wanted("cifar_resnet20")).rejects.toThrow(UserError)
})

test("what is in the cache is used without asking anybody, after a look at its hash", async () => {
  const { file, check } = publishedWeights().find(({ name }) => name === "resnet18")!
  const path = join(folder, "cache", "weights", file)
  mkdirSync(join(folder, "cache", "weights"), { recursive: true })
  writeFileSync(path, "others")
  expect(createHash("sha256").update(readFileSync(path)).digest("hex").slice(0, 8)).not.toBe(check.hex)
  await expect(getWeights({ name: "resnet18", offline: true })).rejects.toThrow("is not the file of")
})

test("in a configuration file a name stays a name, unless a file beside it has it", () => {
  const file = join(folder, "c.json")
  writeFileSync(file, JSON.stringify({ data: "d", weights: "coco" }))
  const weights = () => resolveConfig(trainSchema, { command: "train", file }).options.weights
  expect(weights()).toBe("coco")
  writeFileSync(join(folder, "coco"), "")
  expect(weights()).toBe(join(folder, "coco"))
})
