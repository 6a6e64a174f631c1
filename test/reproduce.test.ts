import { spawnSync } from "node:child_process"
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { beforeAll, expect, onTestFinished, test } from "vitest"
import { networkSpec } from "../src/backbone/networks.js"
import { imageNet } from "../src/core/normalisation.js"
import { Parameters } from "../src/core/parameters.js"
import { startEngine } from "../src/engine/start.js"
import { buildClassifier } from "../src/weights/open-model.js"
import { saveClassifier } from "../src/weights/save.js"
import { writePaperMiniature } from "./support/paper-miniature.js"
import { fencedBlocks, resdetCalls } from "./support/readme.js"
import { runCommand } from "./support/run-command.js"
import { slowTest } from "./support/slow-test.js"
import { quickRandom } from "./support/untrained-detector.js"

beforeAll(() => startEngine())

const blocks = fencedBlocks(readFileSync("docs/reproduce.md", "utf8")).filter(({ language }) => language === "sh")
/** Each command as one line. */
const lines = blocks.flatMap(({ text }) => text.replaceAll(/\\\n\s*/g, "").split("\n")).filter((line) => line !== "")

/** What takes days is made small, and nothing else is changed. */
const smaller: readonly (readonly [RegExp, string])[] = [
  [/fasterrcnn_resnet101_c4/g, "fasterrcnn_resnet18_c4"],
  [/resnet101\.pth/g, "resnet18.safetensors"],
  [/--network resnet101/g, "--network resnet18"],
  [/--model (resnet|plain)34/g, "--model $118"],
  [/--model resnet(101|152)/g, "--model resnet50"],
  [/--model cifar_resnet1202/g, "--model cifar_resnet20"],
  [/--epochs 120/g, "--epochs 1"],
  [/--batch 2 --accumulate 4/g, "--batch 1 --accumulate 2"],
  [/--batch 32 --accumulate 8/g, "--batch 2 --accumulate 2"],
  [/--scales [\d,]+/g, "--scales 48,64"],
  [/--depths 20,32,44,56/g, "--depths 20,56"],
  [/--depths 110/g, "--depths 32"],
  [/--seeds 1,2,3,4,5/g, "--seeds 1"],
]

/** What is added to a command, by its beginning. */
const added: Readonly<Record<string, string>> = {
  train: "--steps 4 --size 64 --max-size 96 --workers 0",
  detect: "--engine tensorflow",
  eval: "--engine tensorflow",
  "classify train --data data/imagenet": "--size 32 --workers 0",
  "classify train --data data/cifar10": "--epochs 1",
  "localize train": "--size 64 --epochs 1",
  "node dist/scripts/degradation.js": "--epochs 1",
}

function miniatureOf(line: string): string {
  const command = line.replace(/^npx resdet /, "")
  const more = Object.entries(added).filter(([beginning]) => command.startsWith(`${beginning} `))
  const small = smaller.reduce((text, [long, short]) => text.replaceAll(long, short), line)
  const batch = /classify train --data data\/imagenet/.test(small) && !small.includes("--batch") ? " --batch 2" : ""
  return [small.replace("--batch 256", "--batch 2") + batch, ...more.map(([, words]) => words)].join(" ")
}

test("docs/reproduce.md has commands for every table and figure of the paper", () => {
  const headings = readFileSync("docs/reproduce.md", "utf8")
    .match(/^## .*$/gm)!
    .join("\n")
  const named = (kind: string) =>
    [...headings.matchAll(new RegExp(`${kind}s? (\\d+)(?:(?:,| and| to) (\\d+))?(?: and (\\d+))?`, "g"))].flatMap(
      ([text, from, to, third]) =>
        text.includes(" to ")
          ? numbersTo(Number(from), Number(to))
          : [from, to, third].flatMap((n) => (n ? [Number(n)] : [])),
    )
  expect(new Set(named("Table"))).toEqual(new Set(numbersTo(2, 14)))
  expect(new Set(named("Figure"))).toEqual(new Set([1, 4, 6, 7]))
  expect(lines.length).toBeGreaterThan(40)
})

const numbersTo = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

slowTest(
  "every command of docs/reproduce.md runs on a miniature of the paper's data, one after another",
  async () => {
    const root = mkdtempSync(join(tmpdir(), "resdet-paper-"))
    onTestFinished(() => rmSync(root, { recursive: true }))
    writePaperMiniature(root)
    saveStart(join(root, "resnet18.safetensors"))
    for (const line of lines) {
      const command = miniatureOf(line)
      const [call] = resdetCalls([{ language: "sh", text: command, line: 1 }])
      giveOtherRuns(root, command)
      if (call === undefined) {
        const shell = command.replace("node dist/", `node ${resolve("dist")}/`)
        const { status, stderr } = spawnSync("bash", ["-c", shell], { cwd: root, encoding: "utf8" })
        expect([command, status, status === 0 ? "" : stderr.slice(-500)]).toEqual([command, 0, ""])
        continue
      }
      const words = call.words.map((word) => (/^(data|runs)\/|^resnet18\.safe/.test(word) ? join(root, word) : word))
      const { code, said } = await runCommand(...words, "--quiet")
      expect([command, code, code === 0 ? "" : said.slice(-500)]).toEqual([command, 0, ""])
      const out = words[words.indexOf("--out") + 1]!
      if (words.includes("train")) expect(existsSync(join(out, "weights/last.safetensors")), command).toBe(true)
    }
    const found = [
      "voc12-test/voc/comp4_det_test_dog.txt",
      "test-dev-ensemble/coco_results.json",
      "loc.txt",
      "figure4.html",
    ]
    for (const file of found) expect(existsSync(join(root, "runs", file)), file).toBe(true)
  },
  900_000,
)

/** ImageNet weights as they are before training. */
function saveStart(path: string): void {
  const config = { network: "resnet18", options: {}, size: networkSpec("resnet18").inputSize[0], ...imageNet } as const
  const parameters = new Parameters(quickRandom(1))
  buildClassifier(parameters, config, 2, { frozen: 0 })
  saveClassifier(path, parameters, { config, classes: ["a", "b"], training: {} })
  parameters.dispose()
}

/** The text says of these that they are trained as the first one, with other seeds. */
function giveOtherRuns(root: string, command: string): void {
  for (const [, name, n] of command.matchAll(/runs\/(coco-trainval)-([23])\//g)) {
    const to = join(root, "runs", `${name}-${n}`)
    if (!existsSync(to)) cpSync(join(root, "runs", `${name}-1`), to, { recursive: true })
  }
}
