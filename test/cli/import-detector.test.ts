import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, expect, test } from "vitest"
import { toTorchAxes } from "../../src/weights/axes.js"
import { Checkpoint } from "../../src/weights/checkpoint.js"
import { cocoLabels } from "../../src/weights/coco-classes.js"
import { detectorFrom } from "../../src/weights/open-model.js"
import { writeSafetensors } from "../../src/weights/safetensors.js"
import { type GoldenDetector, goldenWeights, readGolden } from "../support/golden-detector.js"
import { runImport } from "../support/import-command.js"

const folder = mkdtempSync(join(tmpdir(), "resdet-import-detector-"))
afterAll(() => rmSync(folder, { recursive: true }))
const [source, out, names] = [
  join(folder, "source.safetensors"),
  join(folder, "out.safetensors"),
  join(folder, "names"),
]

const run = (...args: string[]) => runImport(source, "--out", out, ...args)

function writeSource(keep: (name: string) => boolean = () => true): void {
  const weights = goldenWeights("fpn", readGolden<GoldenDetector>("fpn"))
  const kept = [...weights].filter(([name]) => keep(name))
  writeSafetensors(
    source,
    kept.map(([name, weight]) => [name, toTorchAxes(weight)] as const),
    {},
  )
}

test("a whole detector's file becomes a detector with torchvision's options", async () => {
  writeSource()
  writeFileSync(names, "cat\ndog\nhorse\n")
  const model = "fasterrcnn_resnet18_fpn"
  expect(await run("--model", model, "--classes", names)).toBe(
    `${out}: 130 of 130 tensors of ${model}, 3 classes: cat, dog, horse\n`,
  )
  using checkpoint = Checkpoint.open(out)
  const { config, classes, categoryIds, parameters } = detectorFrom(checkpoint)
  const { size, maxSize, norm, conv5Norm, options } = config
  expect([size, maxSize, norm, conv5Norm, classes, categoryIds]).toEqual([
    ...[800, 1333, "unfolded", "unfolded"],
    ...[
      ["cat", "dog", "horse"],
      [1, 2, 3],
    ],
  ])
  expect(options.proposals.test).toMatchObject({ preNmsTopN: 1000, postNmsTopN: 1000 })
  const weights = goldenWeights("fpn", readGolden<GoldenDetector>("fpn"))
  const name = "roi_heads.box_predictor.bbox_pred.weight"
  expect(parameters.get(name)!.variable.dataSync()).toEqual(weights.get(name)!.values)
  parameters.dispose()
})

test("a detector's file that lacks a part, or that is another network's, is refused", async () => {
  writeSource((name) => !name.startsWith("backbone.fpn.inner_blocks.2."))
  await expect(run("--model", "fasterrcnn_resnet18_fpn")).rejects.toThrow(
    "does not fill fasterrcnn_resnet18_fpn: backbone.fpn.inner_blocks.2.0.weight, backbone.fpn.inner_blocks.2.0.bias",
  )
  writeSource((name) => !name.startsWith("roi_heads.box_predictor."))
  await expect(run("--model", "fasterrcnn_resnet18_fpn")).rejects.toThrow(
    'holds no "roi_heads.box_predictor.cls_score"',
  )
  writeSafetensors(source, [["a", { shape: [1], values: new Float32Array(1) }]], { model: "resnet18" })
  await expect(run("--model", "fasterrcnn_resnet50_fpn")).rejects.toThrow(
    `${source} is a resnet18: give --model resnet18, or take other weights`,
  )
})

test("the outputs of COCO's detectors are its ids, or its categories", () => {
  const all = cocoLabels(90)!
  expect([all.classes[0], all.classes[11], all.classes[12], all.classes[89]]).toEqual([
    ...["person", "N/A 12", "stop sign", "toothbrush"],
  ])
  expect(all.classes.filter((name) => name.startsWith("N/A"))).toHaveLength(10)
  const own = cocoLabels(80)!
  expect(new Set(own.classes).size).toBe(80)
  expect(own.classes.map((name, k) => all.classes[Number(own.categoryIds[k]) - 1] === name)).not.toContain(false)
  expect(cocoLabels(20)).toBeUndefined()
})
