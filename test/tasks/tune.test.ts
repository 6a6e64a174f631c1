import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { commandWords } from "../../src/cli/command-words.js"
import { trainSchema } from "../../src/tasks/options/train-detector.js"
import { resumeTuning, tuneDetector } from "../../src/tasks/tune.js"
import { readTuning, writeTuning } from "../../src/tasks/tuning/record.js"
import { bestTrials, drawChoices, planRounds, roundSizes } from "../../src/tasks/tuning/search.js"
import { tuningCsv, tuningPage } from "../../src/tasks/tuning/table.js"
import { tempFolder } from "../datasets/samples.js"
import { plainBackbone } from "../support/own-backbones.js"
import { slowTest } from "../support/slow-test.js"

const base = { lr: 0.01, size: 400 }

test("the first trial is what train does by itself, the others are drawn from the seed within the bounds", () => {
  const choices = drawChoices(200, base, 3)
  expect(choices[0]).toEqual(base)
  expect(drawChoices(200, base, 3)).toEqual(choices)
  expect(drawChoices(200, base, 4)).not.toEqual(choices)
  // A longer list begins with the shorter one.
  expect(drawChoices(9, base, 3)).toEqual(choices.slice(0, 9))
  const drawn = choices.slice(1)
  const rates = drawn.map(({ lr }) => lr)
  expect(Math.min(...rates)).toBeGreaterThanOrEqual(0.01 / 8)
  expect(Math.max(...rates)).toBeLessThanOrEqual(0.04)
  // Evenly in the logarithm: half are below the geometric mean of the bounds.
  const below = rates.filter((rate) => rate < Math.sqrt((0.01 / 8) * 0.04)).length
  expect(below).toBeGreaterThan(70)
  expect(below).toBeLessThan(130)
  expect([...new Set(drawn.map(({ size }) => size))].sort()).toEqual([288, 416, 512])
  expect(new Set(drawn.map(({ anchors }) => anchors))).toEqual(new Set([undefined, "auto"]))
  expect(new Set(drawn.map(({ augment }) => augment))).toEqual(new Set([undefined, "light", "strong"]))
})

test("a third of the trials goes on to each round, the best first, without those that failed", () => {
  expect(roundSizes(9)).toEqual([9, 3, 1])
  expect(roundSizes(10)).toEqual([10, 4, 2, 1])
  const results = [0.1, 0.5, null, 0.5, 0.2].map((value, i) => ({ trial: i + 1, value }))
  expect(bestTrials(results)).toEqual([2, 4])
  expect(bestTrials([{ trial: 1, value: null }])).toEqual([])
})

test("rounds share the time evenly, and a trial's steps and validation fit into its part", () => {
  const choices = Array.from({ length: 9 }, () => base)
  const pace = { step: 0.5, image: 0.1, around: 4 }
  const { steps, images } = planRounds(choices, 1800, pace, 1000)
  // 600 s a round: 66.7 s a trial, a fifth of it for validation.
  expect(images).toBe(133)
  expect(steps).toEqual([98, 365, 1165])
  for (const [r, count] of [9, 3, 1].entries()) {
    const trial = 600 / count
    const taken = pace.around + steps[r]! * pace.step + images * pace.image
    expect(taken).toBeLessThanOrEqual(trial)
    expect(taken + pace.step).toBeGreaterThan(trial)
  }
  expect(planRounds(choices, 1800, pace, 30).images).toBe(30)
  expect(() => planRounds(choices, 120, pace, 1000)).toThrow(
    "--budget: 9 trials of 10 steps and 20 validation images take about 5 minutes. Set --budget 5m, fewer --trials, or a smaller --size",
  )
  expect(planRounds(choices, 300, pace, 1000).steps[0]).toBeGreaterThanOrEqual(10)
})

const rows = [
  { round: 1, trial: 1, steps: 10, value: 0.25, seconds: 3, choice: base },
  {
    round: 1,
    trial: 2,
    steps: 10,
    value: null,
    failure: 'a, "b"',
    seconds: 1,
    choice: { ...base, anchors: "auto" as const },
  },
  { round: 2, trial: 1, steps: 30, value: 0.5, seconds: 9, choice: base },
]

test("the table has the last round first, as CSV and as a page in which nothing of others is markup", () => {
  expect(tuningCsv(rows, "AP")).toBe(
    "round,trial,steps,lr,size,anchors,augment,AP,seconds\n" +
      "2,1,30,0.01,400,preset,mirror,0.5000,9\n" +
      "1,1,10,0.01,400,preset,mirror,0.2500,3\n" +
      '1,2,10,0.01,400,auto,mirror,"a, ""b""",1\n',
  )
  const page = tuningPage([{ ...rows[1]!, failure: "<b>" }], "AP", [["best", "0.5"]])
  expect(page).toContain("&lt;b&gt;")
  expect(page).not.toContain("<b>")
})

test("the command to run is train's, with what was given and found, and what is train's own left out", () => {
  const given = trainSchema.parse({
    data: "my data",
    weights: "w.pth",
    detector: { roi: { sample: { batchSizePerImage: 8 } } },
  })
  const words = commandWords("train", trainSchema, {
    ...given,
    lr: 0.02,
    size: 288,
    anchors: "auto",
    augment: "strong",
    valLoss: false,
  })
  expect(words).toBe(
    "train --data 'my data' --weights w.pth --lr 0.02 --size 288 --anchors auto --augment strong --no-val-loss " +
      "--set detector.roi.sample.batchSizePerImage=8",
  )
})

const picture = (i: number) => {
  const data = new Uint8Array(3 * 48 * 48).fill(40)
  const [x, y] = [4 + ((7 * i) % 20), 6 + ((5 * i) % 18)]
  for (let row = y; row < y + 20; row++) data.fill(220, 3 * (48 * row + x), 3 * (48 * row + x + 20))
  return { image: { data, width: 48, height: 48 }, boxes: [[x, y, x + 20, y + 20]], labels: ["square"] }
}
const pictures = (count: number, from = 0) => new Set(Array.from({ length: count }, (_, i) => picture(from + i)))

slowTest(
  "a search that was stopped and killed goes on to the same table",
  async () => {
    const data = pictures(6)
    const own = { data, valData: pictures(2, 50), backbone: plainBackbone() }
    const detector = { roi: { sample: { batchSizePerImage: 8 } } }
    const folder = join(tempFolder(), "search")
    const stop = new AbortController()
    const onLog = (line: string) => {
      if (line.startsWith("round 1, trial 2")) stop.abort()
    }
    const options = { ...own, detector, size: 64, batch: 1, workers: 0, trials: 3, budget: "10m", out: folder, seed: 5 }
    // Of a search that was decided before: its rounds are short.
    await expect(tuneDetector({ ...options, budget: "0.001m" })).rejects.toThrow(/^--budget: 3 trials of 10 steps/)
    const begun = readTuning(folder)
    const choices = drawChoices(3, { lr: 0.005, size: 64 }, 5)
    const decided = {
      ...begun,
      config: { ...begun.config, budget: "10m" },
      choices,
      metric: "AP50",
      plan: { steps: [2, 4], images: 2 },
    }
    writeTuning(folder, decided)
    const first = await resumeTuning(folder, own, { onLog, signal: stop.signal })
    expect(first.ended).toBe("signal")
    expect(readTuning(folder).results.map(({ trial }) => trial)).toEqual([1, 2])
    const done = await resumeTuning(folder, own)
    expect(done.ended).toBe("rounds")
    expect(done.rows.map(({ round, trial }) => [round, trial])).toEqual([
      [1, 1],
      [1, 2],
      [1, 3],
      [2, done.best!.trial],
    ])
    expect(existsSync(done.best!.weights)).toBe(true)
    expect(done.options).toMatchObject(choices[done.best!.trial - 1]!)
    expect(readFileSync(join(folder, "tune.csv"), "utf8").split("\n")).toHaveLength(6)
    const untouched = join(tempFolder(), "search")
    await expect(tuneDetector({ ...options, budget: "0.001m", out: untouched })).rejects.toThrow()
    writeTuning(untouched, decided)
    const values = ({ rows }: typeof done) => rows.map(({ value }) => value)
    expect(values(await resumeTuning(untouched, own))).toEqual(values(done))
    await expect(tuneDetector(options)).rejects.toThrow(`${folder} already holds a search. Continue it with --resume`)
    writeFileSync(join(folder, "tune.json"), "{}")
    await expect(resumeTuning(folder, own)).rejects.toThrow(
      /tune.json: config: .*\. Expected the folder of resdet tune/,
    )
  },
  120_000,
)

test("no trial begins once the budget is over, and what there is is told", async () => {
  const folder = join(tempFolder(), "search")
  const own = { data: pictures(4), valData: pictures(2, 50), backbone: plainBackbone() }
  await expect(
    tuneDetector({ ...own, size: 64, batch: 1, workers: 0, trials: 3, budget: "0.001m", out: folder }),
  ).rejects.toThrow()
  const choices = drawChoices(3, { lr: 0.005, size: 64 }, 5)
  const results = [{ round: 1, trial: 1, steps: 2, value: 0.1, seconds: 2 }]
  writeTuning(folder, {
    ...readTuning(folder),
    choices,
    metric: "AP",
    plan: { steps: [2, 4], images: 2 },
    spent: 100,
    results,
  })
  const { ended, best, baseline, rows } = await resumeTuning(folder, own)
  expect(ended).toBe("budget")
  expect(rows).toHaveLength(1)
  expect(best).toMatchObject({ trial: 1, value: 0.1 })
  expect(baseline).toMatchObject({ trial: 1 })
}, 60_000)

test("a search without its data leaves no folder behind", async () => {
  const folder = join(tempFolder(), "search")
  await expect(tuneDetector({ data: "nowhere", out: folder })).rejects.toThrow("No data at nowhere")
  expect(existsSync(folder)).toBe(false)
})
