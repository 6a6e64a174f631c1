import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { makeShapes } from "../../datasets/digits.js"
import { resumeLocalizer, trainLocalizer } from "../../src/tasks/train-localizer.js"
import type { EpochReport } from "../../src/tasks/training/train-result.js"
import { readHistory } from "../../src/train/run-history.js"
import { reportPictures } from "../support/report-pictures.js"
import { slowTest } from "../support/slow-test.js"

let folder: string
let data: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "resdet-localize-"))
  data = join(folder, "shapes")
  await makeShapes(data, { images: 10, valImages: 3, sides: [64, 72], heights: [16, 32], counts: [1, 1] })
})

afterAll(() => rmSync(folder, { recursive: true }))

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["bin/resdet.js", "localize", ...args], {
    encoding: "utf8",
  })
  return { status, stdout, stderr }
}

/** The options of a small run into `name`, with others laid over them. */
function options(name: string, overrides: object = {}) {
  const small = { network: "cifar_resnet20", size: 32, norm: "batch", logEvery: 1, batch: 2, epochs: 2 } as const
  return { data, out: join(folder, name), ...small, ...overrides }
}

const weights = (name: string) => join(folder, name, "weights", "last.safetensors")
const digest = (file: string) => createHash("sha256").update(readFileSync(file)).digest("hex")

/** Trains, stops at step `at`, and goes on; returns what was said. */
async function trainInTwo(name: string, overrides: object, at: number): Promise<string[]> {
  const said: string[] = []
  const stopper = new AbortController()
  const stopped = await trainLocalizer(options(name, overrides), {
    signal: stopper.signal,
    onStep({ step }) {
      if (step === at) stopper.abort()
    },
  })
  expect(stopped).toMatchObject({ finished: false, step: at })
  await resumeLocalizer(join(folder, name), {}, { onLog: (line) => said.push(line) })
  return said
}

/** What training made, but for the times it took. */
const made = (name: string) => [
  ...["weights/last.safetensors", "state/weights.safetensors", "state/velocities.safetensors"].map((file) =>
    digest(join(folder, name, file)),
  ),
  readHistory(join(folder, name)).epochs.map(({ seconds: _, ...row }) => row),
]

slowTest(
  "a run that stopped and went on ends with the bits of one that ran through, in either stage",
  async () => {
    const epochs: EpochReport[] = []
    const whole = await trainLocalizer(options("whole"), { onEpoch: (epoch) => void epochs.push(epoch) })
    expect(whole).toMatchObject({
      finished: true,
      epoch: 2,
      metric: "gtClassAccuracy",
      weights: { last: weights("whole") },
    })
    const losses = {
      loss: expect.any(Number),
      loss_objectness: expect.any(Number),
      loss_rpn_box_reg: expect.any(Number),
    }
    expect(epochs).toEqual(
      [1, 2].map((epoch) => ({
        ...{ epoch, epochs: 2, losses, metrics: { gtClassAccuracy: expect.any(Number) } },
        figures: { gradNorm: expect.any(Number), rate: expect.any(Number), seconds: expect.any(Number) },
      })),
    )
    expect(readdirSync(join(folder, "whole")).sort()).toEqual(
      expect.arrayContaining(["config.json", "metrics.jsonl", "report.html", "results.csv", "state", "weights"]),
    )
    expect((await trainInTwo("broken", {}, 7)).join("\n")).toMatch(/continuing after step 7, in epoch 2/)
    expect(made("broken")).toEqual(made("whole"))
    expect(reportPictures(join(folder, "broken"))).toBe(reportPictures(join(folder, "whole")))
    expect(await resumeLocalizer(join(folder, "whole"))).toEqual(whole)

    const rpn = weights("whole")
    const second = { stage: "rcnn", proposals: rpn, weights: rpn, batch: 8, regions: 4 }
    const rcnn: string[] = []
    const ends: EpochReport[] = []
    await trainLocalizer(options("second", second), {
      onLog: (line) => rcnn.push(line),
      onEpoch: (epoch) => void ends.push(epoch),
    })
    expect(rcnn.join("\n")).toMatch(/cifar_resnet20, rcnn, batch norm/)
    expect(Object.keys(ends[1]!.losses)).toEqual(["loss", "loss_classifier", "loss_box_reg"])
    expect(ends[1]!.metrics.gtClassAccuracy).toBeGreaterThanOrEqual(0)
    const next = (name: string) =>
      /^next: npx resdet (.*)$/m.exec(run("train", "--resume", join(folder, name)).stderr)?.[1]
    expect(next("whole")).toBe(`localize eval --weights ${rpn}`)
    expect(next("second")).toBe(`localize eval --weights <rpn> --rcnn ${weights("second")}`)
    await trainInTwo("second-broken", second, 2)
    expect(made("second-broken")).toEqual(made("second"))

    const look = ["--weights", rpn, "--rcnn", weights("second"), "--proposals", "10", "--sizes", "36,48"]
    const scored = run("eval", ...look, "--data", data, "--json", "-")
    expect(scored.status).toBe(0)
    expect(JSON.parse(scored.stdout)).toEqual({
      images: 3,
      localizationError: null,
      localizationErrorTop1: null,
      classificationError: null,
      classificationErrorTop1: null,
      gtClassError: expect.any(Number),
      wholeImageError: expect.any(Number),
    })
    const source = join(data, "JPEGImages", "000010.jpg")
    const predicted = run("predict", ...look, "--source", source, "--class", "ring,disc", "--json", "-")
    expect(JSON.parse(predicted.stdout)).toMatchObject([
      { image: "000010.jpg", objects: [{ label: "ring", box: expect.any(Array) }, { label: "disc" }] },
    ])
    expect(run("predict", ...look, "--source", source, "--class", "rong").stderr).toMatch(
      /no class "rong"\. Did you mean "ring"\? Known: /,
    )
  },
  240_000,
)

test.each([
  [{ stage: "rcnn" }, /expected --proposals with --stage rcnn, and only there/],
  [{ network: "resnet81" }, /no network "resnet81"\. Did you mean "resnet18"\?/],
  [{ batch: 100 }, /shapes: 10 images with objects do not fill a batch of 100\. Choose a smaller --batch/],
  [{ shorter: [20, 30] }, /expected shorter to be at least the crop's side, 32, got \[20,30\]/],
  [{ weights: "absent.safetensors" }, /absent\.safetensors/],
])("training with %j says so in one line", async (overrides, message) => {
  await expect(trainLocalizer(options("never", overrides))).rejects.toThrow(message)
  expect(existsSync(join(folder, "never"))).toBe(false)
})

test("from the command line a mistake is one line and an exit code", () => {
  const predict = run("predict", "--weights", "w", "--source", "s")
  expect(predict).toMatchObject({
    status: 2,
    stderr: "error: localize predict: expected either --classifier or --class\n",
  })
  const resume = run("train", "--resume", folder, "--lr", "1")
  expect(resume).toMatchObject({ status: 2, stderr: expect.stringMatching(/leave out --lr, or start a new run\n$/) })
  writeFileSync(
    join(folder, "config.json"),
    JSON.stringify({ config: { data, epochs: 2, padding: 4 }, data: { images: 2, classes: ["a"] } }),
  )
  expect(run("train", "--resume", folder)).toMatchObject({
    status: 3,
    stderr: expect.stringMatching(
      /config\.json: not a run of this command: batch does not fit\. Continue it with the command that started it\n$/,
    ),
  })
  const anchors = run("train", "--data", data, "--set", "anchors.size=[1]")
  expect(anchors).toMatchObject({ status: 2, stderr: expect.stringMatching(/unknown option "anchors\.size"/) })
})
