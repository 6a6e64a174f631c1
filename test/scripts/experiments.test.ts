import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { setTimeout } from "node:timers/promises"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { afterAll, beforeAll, expect, test } from "vitest"
import { endOf } from "../../scripts/experiment.js"
import { writeCifarFiles } from "../support/cifar-files.js"
import { slowTest } from "../support/slow-test.js"

/** Each experiment as it is called, on a dozen pictures: what it tells can be read, and so can what it draws. */
const folder = mkdtempSync(join(tmpdir(), "resdet-experiments-"))
const file = (...names: string[]) => join(folder, ...names)
beforeAll(() => writeCifarFiles(folder))
afterAll(() => rmSync(folder, { recursive: true }))

const small = ["--batch", "4", "--epochs", "1"]

/** Runs an experiment into a folder of its name; returns the rows of its table, the head first. */
function rowsOf(script: string, ...args: string[]): string[][] {
  const words = [
    resolve("dist/scripts", `${script}.js`),
    "--data",
    folder,
    "--out",
    file(script),
    "--seeds",
    "1",
    ...args,
  ]
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: "utf8" })
  expect({ status, stderr }).toMatchObject({ status: 0 })
  expect(readFileSync(file(script, "table.md"), "utf8")).toBe(stdout)
  const [head, rule, ...rows] = stdout.trim().split("\n")
  const cells = (line: string) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim())
  expect(rule).toBe(`|${"---|".repeat(cells(head!).length)}`)
  return [head!, ...rows].map(cells)
}

/** The charts of a picture by their titles: which lines each has, and how many points the first has. */
function chartsIn(path: string): Record<string, { lines: string[]; points: number }> {
  const svg = readFileSync(path, "utf8")
  expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" viewBox=.*<\/svg>\n$/s)
  expect(svg.match(/<(svg|g|text|style)[ >]/g)!.length).toBe(svg.match(/<\/(svg|g|text|style)>/g)!.length)
  expect(svg).not.toMatch(/NaN|Infinity|undefined/)
  const charts = svg.split('role="img" aria-label="').slice(1)
  return Object.fromEntries(
    charts.map((chart) => {
      const lines = [...chart.matchAll(/<title>(.*?)<\/title>/g)].map(([, name]) => name!)
      const first = chart.split("<title>")[1]!
      // One point is no line: it is a circle alone.
      const points = /<polyline points="(.*?)"/.exec(first)?.[1]?.split(" ") ?? first.match(/<circle /g)!
      return [chart.slice(0, chart.indexOf('"')), { lines, points: points.length }]
    }),
  )
}

const percents = (cells: readonly string[]) => cells.map(Number).every((value) => value >= 0 && value <= 100)

slowTest("degradation trains plain and residual networks, and layer-responses measures those", () => {
  const names = ["plain-20", "resnet-20"]
  const [head, ...rows] = rowsOf("degradation", ...small, "--depths", "20")
  expect(head).toEqual(["", "seeds", "training error", "test error"])
  expect(rows.map(([name, seeds]) => [name, seeds])).toEqual(names.map((name) => [name, "1"]))
  expect(rows.every(([, , ...errors]) => percents(errors))).toBe(true)
  const charts = chartsIn(file("degradation", "curves-seed1.svg"))
  expect(charts).toEqual({ "train error": { lines: names, points: 1 }, "top1 error": { lines: names, points: 1 } })

  const measured = rowsOf("layer-responses", "--runs", file("degradation"), "--networks", names.join(","))
  expect(measured[0]).toEqual(["", "3x3 layers", "seeds", "mean standard deviation"])
  expect(measured.slice(1).map(([name, layers, seeds]) => [name, layers, seeds])).toEqual(
    names.map((name) => [name, "19", "1"]),
  )
  expect(measured.slice(1).every(([, , , mean]) => Number(mean) > 0)).toBe(true)
  const [responses] = Object.values(chartsIn(file("layer-responses", "seed1.svg")))
  expect(responses).toMatchObject({ points: 19 })
})

slowTest("gradient-norms has the gradient of each 3x3 layer at each number of steps", () => {
  const [head, ...rows] = rowsOf("gradient-norms", "--depths", "20", "--steps", "0,1", "--batch", "4")
  expect(head).toEqual(["first layer / last layer", "seeds", "step 0", "step 1"])
  expect(rows.map(([name]) => name)).toEqual(["plain-20", "resnet-20"])
  const measured = JSON.parse(readFileSync(file("gradient-norms", "plain-20-seed1.json"), "utf8"))
  expect(Object.keys(measured)).toEqual(["0", "1"])
  expect(rows[0]![2]).toBe((measured[0][0] / measured[0].at(-1)).toFixed(2))
  const lines = ["plain-20", "resnet-20"]
  expect(Object.values(chartsIn(file("gradient-norms", "gradients.svg")))).toEqual([
    { lines, points: 19 },
    { lines, points: 19 },
  ])
})

slowTest("shortcuts trains the plain network and each option, and a second call only tells again", () => {
  const names = ["plain", "A", "B", "C"]
  const first = rowsOf("shortcuts", ...small)
  expect(first.map(([name]) => name)).toEqual(["", ...names])
  expect(first.slice(1).every(([, , ...errors]) => percents(errors))).toBe(true)
  expect(chartsIn(file("shortcuts", "curves-seed1.svg"))).toMatchObject({ "train error": { lines: names } })
  const { mtimeMs } = statSync(file("shortcuts", "C-seed1", "results.csv"))
  expect(rowsOf("shortcuts", ...small)).toEqual(first)
  expect(statSync(file("shortcuts", "C-seed1", "results.csv")).mtimeMs).toBe(mtimeMs)
})

slowTest("transfer-depth keeps ever more stages of the weights, and none in the last row", () => {
  // A network of this file's size, as one that was trained elsewhere.
  rowsOf("degradation", ...small, "--depths", "20", "--kinds", "resnet")
  const weights = file("degradation", "resnet-20-seed1", "weights", "last.safetensors")
  const rows = rowsOf("transfer-depth", ...small, "--size", "32", "--model", "cifar_resnet20", "--weights", weights)
  const names = ["all-learn", "after-stage-1", "after-stage-2", "after-stage-3", "from-nothing"]
  expect(rows.map(([name]) => name)).toEqual(["", ...names])
  const configs = names.map((name) =>
    JSON.parse(readFileSync(file("transfer-depth", `${name}-seed1`, "config.json"), "utf8")),
  )
  expect(configs.map(({ config }) => [config.frozen, config.weights === undefined])).toEqual([
    [0, false],
    [2, false],
    [3, false],
    [4, false],
    [0, true],
  ])
  expect(chartsIn(file("transfer-depth", "curves-seed1.svg"))).toMatchObject({ "top1 error": { lines: names } })
})

test("the minutes of a call are over when they are over, also after memory was tidied up", async () => {
  setFlagsFromString("--expose-gc")
  const tidy = runInNewContext("gc") as () => void
  const signal = endOf(0.3 / 60)
  expect(signal.aborted).toBe(false)
  for (let i = 0; i < 10; i++) {
    await setTimeout(50)
    tidy()
  }
  expect(signal.aborted).toBe(true)
})
