import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as tf from "@tensorflow/tfjs-core"
import { afterAll, beforeEach, expect, test } from "vitest"
import { ResNet } from "../../src/backbone/classifier.js"
import { cifarSpec } from "../../src/backbone/networks.js"
import { Parameters, Scope } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { startEngine } from "../../src/engine/start.js"
import { importWeights } from "../../src/tasks/import-weights.js"
import { expectedShapes } from "../../src/weights/expected.js"
import { openClassifier } from "../../src/weights/open-model.js"
import { writeSafetensors } from "../../src/weights/safetensors.js"
import { saveWeights } from "../../src/weights/save.js"
import { runImport as run } from "../support/import-command.js"
import { loadWeights } from "../support/load-weights.js"
import { readClassifierInfo } from "../support/read-info.js"
import { runCommand } from "../support/run-command.js"
import { storedFile } from "../support/stored-file.js"

const folder = mkdtempSync(join(tmpdir(), "resdet-import-"))
afterAll(() => rmSync(folder, { recursive: true }))
const [source, out] = [join(folder, "source.safetensors"), join(folder, "out.safetensors")]
beforeEach(() => rmSync(out, { force: true }))

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
  expect(loadWeights(out)).toEqual(loadWeights(source))
  expect(readClassifierInfo(out)).toMatchObject({
    config: {
      network: "cifar_resnet20",
      options: { zeros: "after" },
      size: 32,
      mean: [0.485, 0.456, 0.406],
      std: [0.229, 0.224, 0.225],
    },
    classes: ["0", "1", "2", "3", "4", "5", "6"],
  })
})

test("names of classes and the input's mean and std are stored, and the file then runs", async () => {
  await makeSource()
  const names = join(folder, "names.txt")
  writeFileSync(names, "a\r\nb b\nc\nd\ne\nf\ng\n\n")
  const inputs = ["--mean", "0.5, 0.25,0", "--std", "1,2,0.5"]
  await run(source, "--model", "cifar_resnet20", "--out", out, "--classes", names, ...inputs)
  const { network, parameters, ...info } = openClassifier(out)
  expect(info.classes).toEqual(["a", "b b", "c", "d", "e", "f", "g"])
  expect([info.config.mean, info.config.std]).toEqual([
    [0.5, 0.25, 0],
    [1, 2, 0.5],
  ])
  const logits = tf.tidy(() => network.forward(tf.ones([2, 32, 32, 3])))
  expect(logits.shape).toEqual([2, 7])
  logits.dispose()
  parameters.dispose()
})

test("what --std was called is still understood", async () => {
  await makeSource()
  await run(source, "--model", "cifar_resnet20", "--out", out, "--deviation", "1,2,0.5")
  expect(readClassifierInfo(out)?.config.std).toEqual([1, 2, 0.5])
})

test("a file with more layers than the network is refused, and named", async () => {
  await makeSource()
  const file = storedFile(source)
  const all = [...file.tensors].map(([name, { shape }]) => [name, { shape, values: file.read(name) }] as const)
  const more = all
    .filter(([name]) => name.startsWith("layer3.2."))
    .map(([name, tensor]) => [name.replace("layer3.2.", "layer3.3."), tensor] as const)
  writeSafetensors(source, [...all, ...more])
  await expect(run(source, "--model", "cifar_resnet20", "--out", out)).rejects.toThrow(
    /is probably a ResNet of 3, 3, 4 blocks, which is not known, not a cifar_resnet20: layer3\.3\./,
  )
  // As a localizer has them: the layers of the network, and a head on them.
  writeSafetensors(source, [...all, ["rpn.conv.bias", { shape: [1], values: new Float32Array(1) }]])
  await expect(run(source, "--model", "cifar_resnet20", "--out", out)).rejects.toThrow(
    /has the layers of a cifar_resnet20 and others: rpn\.conv\.bias do not fit/,
  )
  expect(existsSync(out)).toBe(false)
})

test.each([
  ["too few names", "a\nb\n", "expected 7 class names, one a line, got 2"],
  ["a gap among the names", "a\nb\n\nc\nd\ne\nf\n", "expected 7 class names, one a line, got 6"],
  ["a name twice", "a\nb\nc\na\nd\ne\nf\n", 'class "a" appears twice'],
])("%s in --classes is told and nothing written", async (_, text, message) => {
  await makeSource()
  const names = join(folder, "names.txt")
  writeFileSync(names, text)
  const importing = run(source, "--model", "cifar_resnet20", "--out", out, "--classes", names)
  await expect(importing).rejects.toThrow(`${names}: ${message}`)
  expect(existsSync(out)).toBe(false)
})

test.each([
  ["--mean", "1,2", "--mean: expected a list of at least 3, got [1,2]"],
  ["--mean", "1,,2", "expected mean.1 to be a number"],
  ["--std", "1,0,1", "expected std.1 to be a number above 0"],
])("%s %s is refused", async (flag, text, message) => {
  await expect(run(source, "--model", "resnet18", "--out", out, flag, text)).rejects.toThrow(message)
})

test("the deviation of 0.1.0 still works, and a line says its new name", async () => {
  await makeSource()
  const args = [source, "--model", "cifar_resnet20", "--out", out, "--deviation", "1,2,0.5"]
  const { code, said } = await runCommand("import", ...args)
  const next = `next: npx resdet classify eval --weights ${out} --data <data>\n`
  expect([code, said]).toEqual([0, `--deviation: "deviation" is now called "std"\n${next}`])
  expect(readClassifierInfo(out)?.config.std).toEqual([1, 2, 0.5])
})

test("from TypeScript the names of the classes are a list, and mistakes are the same", async () => {
  await makeSource()
  const options = { file: source, model: "cifar_resnet20", out }
  const classes = ["a", "b", "c", "d", "e", "f", "g"]
  expect(await importWeights({ ...options, classes })).toMatchObject({ kind: "classifier", loaded: 97, classes })
  await expect(importWeights({ ...options, classes: ["a"] })).rejects.toThrow("classes: expected 7 class names")
  const misspelt = { ...options, clases: classes } as typeof options
  await expect(importWeights(misspelt)).rejects.toThrow(
    'importWeights: unknown option "clases". Did you mean "classes"?',
  )
})

test("a last layer named linear is taken, and tells that zeros stand on both sides", async () => {
  await makeSource()
  const file = storedFile(source)
  const renamed = [...file.tensors].map(
    ([name, { shape }]) => [name.replace("fc.", "module.linear."), { shape, values: file.read(name) }] as const,
  )
  const wrapped = renamed.map(([name, tensor]) => [name.replace(/^(?!module)/, "module."), tensor] as const)
  writeSafetensors(source, wrapped)
  await run(source, "--model", "cifar_resnet20", "--out", out)
  expect(readClassifierInfo(out)?.config.options).toEqual({ zeros: "both" })
  await run(source, "--model", "cifar_resnet20", "--out", out, "--zeros", "after")
  expect(readClassifierInfo(out)?.config.options).toEqual({ zeros: "after" })
})

test("a partial match is refused and nothing written, unless it is allowed", async () => {
  await makeSource((name) => !name.startsWith("layer3.2."))
  await expect(run(source, "--model", "cifar_resnet20", "--out", out)).rejects.toThrow(
    /does not fill cifar_resnet20: layer3\.2\.conv1\.weight is missing, .* and 7 more\. Import what fits with --allow-missing$/,
  )
  expect(existsSync(out)).toBe(false)
  const { out: told, said } = await runCommand(
    "import",
    source,
    "--model",
    "cifar_resnet20",
    "--out",
    out,
    "--allow-missing",
  )
  expect(told).toContain("87 of 97 tensors")
  expect(said).toContain(`next: npx resdet train --weights ${out} --data <data>\n`)
  expect(readClassifierInfo(out)).toBeUndefined()
  expect(storedFile(out).metadata).toEqual({
    ...{ model: "cifar_resnet20", zeros: "after" },
    ...{ mean: "0.485,0.456,0.406", std: "0.229,0.224,0.225" },
  })
})

test("another depth's file is refused by name and shape", async () => {
  await makeSource()
  await expect(run(source, "--model", "resnet18", "--out", out)).rejects.toThrow(
    /is probably a cifar_resnet20, not a resnet18: layer1\.2\.conv1\.weight, .* and 113 more do not fit$/,
  )
})

test("an unknown model is told with the nearest one", async () => {
  await expect(run(source, "--model", "resnet5", "--out", out)).rejects.toThrow(
    /^error: no network "resnet5"\. Did you mean "resnet50"\?/,
  )
})

test.each([
  ["layer1.0.conv1.weight", Number.NaN],
  ["bn1.running_var", -1],
])("%s of %d is refused", async (name, value) => {
  await makeSource()
  const { tensors, read } = storedFile(source)
  const spoilt = [...tensors].map(([own, { shape }]) => {
    const values = read(own)
    if (own === name) values[3] = value
    return [own, { shape, values }] as const
  })
  writeSafetensors(source, spoilt)
  await expect(run(source, "--model", "cifar_resnet20", "--out", out)).rejects.toThrow(
    `${name} holds ${value}. The training`,
  )
  expect(existsSync(out)).toBe(false)
})
