import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Command } from "commander"
import { afterAll, beforeEach, expect, test, vi } from "vitest"
import { cifarSpec } from "../../src/backbone/networks.js"
import { ResNet } from "../../src/backbone/resnet.js"
import { configure } from "../../src/cli/import.js"
import { startEngine } from "../../src/engine/start.js"
import { Parameters, Scope } from "../../src/tensor/parameters.js"
import { seededRandom } from "../../src/tensor/random.js"
import { expectedShapes } from "../../src/weights/expected.js"
import { loadWeights, saveWeights } from "../../src/weights/load.js"
import { SafetensorsFile, writeSafetensors } from "../../src/weights/safetensors.js"

const folder = mkdtempSync(join(tmpdir(), "resdet-import-"))
afterAll(() => rmSync(folder, { recursive: true }))
const [source, out] = [join(folder, "source.safetensors"), join(folder, "out.safetensors")]
beforeEach(() => rmSync(out, { force: true }))

async function run(...args: string[]): Promise<string> {
  const written: string[] = []
  const spy = vi.spyOn(process.stdout, "write").mockImplementation((text) => written.push(String(text)) > 0)
  try {
    const command = new Command("import").exitOverride().configureOutput({ outputError: () => {} })
    configure(command)
    await command.parseAsync(args, { from: "user" })
  } finally {
    spy.mockRestore()
  }
  return written.join("")
}

/** A small CIFAR network's file, as `keep` lets it through. */
async function makeSource(keep: (name: string) => boolean = () => true): Promise<void> {
  await startEngine()
  const parameters = new Parameters(seededRandom(4))
  new ResNet(new Scope(parameters), cifarSpec(20), { classes: 7 })
  const made = [...parameters]
  expect(new Map(made.map(({ name, variable }) => [name, variable.shape]))).toEqual(expectedShapes(cifarSpec(20), 7))
  saveWeights(
    source,
    made.filter(({ name }) => keep(name)),
  )
  parameters.dispose()
}

test("a file that fills the model is written with what it is", async () => {
  await makeSource()
  expect(await run(source, "--model", "cifar_resnet20", "--out", out)).toBe(
    `${out}: 97 of 97 tensors of cifar_resnet20, 7 classes\nshortcuts with zero channels after the others (--zeros)\n`,
  )
  expect(loadWeights(out).weights).toEqual(loadWeights(source).weights)
  expect(new SafetensorsFile(out).metadata).toEqual({
    model: "cifar_resnet20",
    classes: "7",
    strideIn: "3x3",
    zeros: "after",
  })
})

test("a last layer named linear is taken, and tells that zeros stand on both sides", async () => {
  await makeSource()
  const file = new SafetensorsFile(source)
  const renamed = [...file.entries].map(
    ([name, { shape }]) => [name.replace("fc.", "module.linear."), { shape, values: file.read(name) }] as const,
  )
  const wrapped = renamed.map(([name, tensor]) => [name.replace(/^(?!module)/, "module."), tensor] as const)
  writeSafetensors(source, wrapped)
  await run(source, "--model", "cifar_resnet20", "--out", out)
  expect(new SafetensorsFile(out).metadata.zeros).toBe("both")
  await run(source, "--model", "cifar_resnet20", "--out", out, "--zeros", "after")
  expect(new SafetensorsFile(out).metadata.zeros).toBe("after")
})

test("a partial match is refused and nothing written, unless it is allowed", async () => {
  await makeSource((name) => !name.startsWith("layer3.2."))
  await expect(run(source, "--model", "cifar_resnet20", "--out", out)).rejects.toThrow(
    /does not fill cifar_resnet20: layer3\.2\.conv1\.weight is missing, .* and 7 more\. Take part of it with --allow-missing$/,
  )
  expect(existsSync(out)).toBe(false)
  expect(await run(source, "--model", "cifar_resnet20", "--out", out, "--allow-missing")).toContain("87 of 97 tensors")
})

test("another depth's file is refused by name and shape", async () => {
  await makeSource()
  await expect(run(source, "--model", "resnet18", "--out", out)).rejects.toThrow(
    "conv1.weight is [3,3,3,16], expected [7,7,3,64]",
  )
})

test("an unknown model is told with the nearest one", async () => {
  await expect(run(source, "--model", "resnet5", "--out", out)).rejects.toThrow('Did you mean "resnet50"?')
})
