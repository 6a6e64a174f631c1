import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { makeShapes } from "../../datasets/digits.js"
import { Parameters } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { startEngine } from "../../src/engine/start.js"
import { buildClassRpn, saveLocalizer } from "../../src/localize/localizer-file.js"
import { classRpnDefaults } from "../../src/localize/options.js"
import { evaluateLocalizer } from "../../src/tasks/evaluate-localizer.js"
import { type ImageObjects, localizeFolder } from "../../src/tasks/localize-folder.js"
import type { LocalizerConfig } from "../../src/weights/model-info.js"
import { runCommand } from "../support/run-command.js"

const folder = mkdtempSync(join(tmpdir(), "resdet-localize-task-"))
const [data, weights] = [join(folder, "shapes"), join(folder, "rpn.safetensors")]
const source = join(data, "JPEGImages", "00000*.jpg")
afterAll(() => rmSync(folder, { recursive: true }))

beforeAll(async () => {
  await startEngine()
  await makeShapes(data, { images: 2, valImages: 3, sides: [64, 72], heights: [16, 32], counts: [1, 1] })
  writeFileSync(join(data, "JPEGImages", "000005.jpg"), "not an image")
  const parameters = new Parameters(seededRandom(1))
  const network = { network: "cifar_resnet20", options: {}, norm: "batch", frozen: 0, stages: 3, size: 32 } as const
  const input = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] } as const
  const config: LocalizerConfig = { stage: "rpn", ...network, ...input, rpn: classRpnDefaults }
  const classes = ["disc", "square", "triangle", "ring", "cross", "star", "bar", "arrow", "heart", "moon"]
  buildClassRpn(parameters, config, classes.length)
  saveLocalizer(weights, parameters, { config, classes, training: {} })
  parameters.dispose()
})

test("every image of a source has its boxes; one that cannot be read is told and left out", async () => {
  const seen: ImageObjects[] = []
  const said: string[] = []
  const hooks = { onImage: (one: ImageObjects) => seen.push(one), onLog: (line: string) => said.push(line) }
  const result = await localizeFolder({ weights, source, class: ["ring", "disc"], engine: "auto" }, hooks)
  const skipped = [{ image: "000005.jpg", message: expect.any(String) }]
  expect(result).toEqual({ images: 6, skipped, finished: true })
  const signal = AbortSignal.abort()
  await expect(localizeFolder({ weights, source, class: ["ring"] }, { signal })).resolves.toEqual({
    ...{ images: 0, skipped: [], finished: false },
  })
  expect(said.at(-1)).toMatch(/^000005\.jpg: skipped: /)
  expect(seen.map(({ objects }) => objects.map(({ label }) => label))).toEqual(seen.map(() => ["ring", "disc"]))
})

test("the command prints the same as lines or as one document, and ends with bad data", async () => {
  const args = ["localize", "predict", "--weights", weights, "--source", source, "--class", "ring,disc"]
  const lines = await runCommand(...args)
  expect(lines.code).toBe(3)
  expect(lines.out).toMatch(/^000000\.jpg: ring 0\.\d{3} \[\d+\.\d, .*\]; disc 0\.\d{3} \[.*\]\n000001/)
  expect(lines.said).toMatch(/error: 1 of 6 images could not be read\n$/)
  const { out, code } = await runCommand(...args, "--json", "-")
  expect(code).toBe(3)
  expect(JSON.parse(out)).toHaveLength(5)
})

test("a split is scored, with what needs a classifier left out", async () => {
  const { figures, failed } = await evaluateLocalizer({ weights, data, sizes: [36, 48], merge: "vote" })
  expect(figures).toMatchObject({ images: 3, localizationError: Number.NaN, gtClassError: expect.any(Number) })
  expect(failed).toEqual([])
  const { out, said, code } = await runCommand(
    "localize",
    "eval",
    "--weights",
    weights,
    "--data",
    data,
    "--sizes",
    "36,48",
  )
  expect(code).toBe(0)
  expect(said).toContain(
    `next: npx resdet localize predict --weights ${weights} --sizes 36,48 --class <names> --source <pictures>\n`,
  )
  expect(out).toMatch(/^3 images\nlocalization error, classes given +\d+\.\d\d %\nlocalization error, top 5 +n\/a\n/)
})

test("mistakes are the same from TypeScript and from the command line", async () => {
  const message = "localize predict: expected either --classifier or --class"
  await expect(localizeFolder({ weights: "w", source: "s" })).rejects.toThrow(message)
  const args = ["localize", "predict", "--weights", "w", "--source", "s"]
  expect(await runCommand(...args)).toEqual({ out: "", said: `error: ${message}\n`, code: 2 })
  await expect(localizeFolder({ weights, source, class: ["rong"] })).rejects.toThrow('Did you mean "ring"?')
  const view = { weights, data, view: "dens" as "dense" }
  await expect(evaluateLocalizer(view)).rejects.toThrow('Did you mean "dense"?')
})
