import { createHash } from "node:crypto"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { basename, join } from "node:path"
import { makeShapes } from "../../datasets/digits.js"
import { writeWhole } from "../../src/core/write-whole.js"
import { call } from "./call.js"

/** A command that can be stopped and continued. It runs in a folder beside `data`, and writes to `out` there. */
export interface Job {
  readonly start: readonly string[]
  readonly resume: readonly string[]
  /** What it says when nothing was saved yet: it is then started again. */
  readonly nothingSaved?: RegExp
  /** What has to be the same as in an unbroken run, by file; `times` are left out. */
  result(out: string): Readonly<Record<string, string>>
}

const training = (command: readonly string[], options: readonly string[]): Job => ({
  start: [...command, ...options, "--out", "out"],
  resume: [...command, "--resume", "out"],
  nothingSaved: /no saved state to continue from|Expected the folder of a training run/,
  result: trained,
})

/** A report window is open at some of the saves. */
const every = ["--save-every", "2", "--set", "logEvery=3"]
const localizer = ["--data", "../data/one", "--size", "32", ...every]
const small = [
  "roi.sample.batchSizePerImage=8",
  "align.size=2",
  "proposals.train.postNmsTopN=20",
  "proposals.test.postNmsTopN=10",
]

/** Small, and with all that is saved: within epochs, a kept epoch, a validation after each. */
export const jobs = {
  train: training(
    ["train"],
    [
      ...["--data", "../data/few", "--model", "fasterrcnn_resnet18_c4", "--size", "48", "--epochs", "2"],
      ...["--batch", "1", "--warmup", "1", "--keep", "1", ...every],
      ...small.map((option) => `detector.${option}`),
    ],
  ),
  /** Four runs, one after the other. */
  alternate: training(
    ["train"],
    [
      ...["--alternate", "--data", "../data/few", "--model", "fasterrcnn_resnet18_c4", "--size", "48", "--epochs", "1"],
      ...["--batch", "1", "--warmup", "1", ...every],
      ...small.map((option) => `detector.${option}`),
    ],
  ),
  classify: training(
    ["classify", "train"],
    ["--data", "../data/cifar", "--epochs", "3", "--batch", "4", "--keep", "2", ...every],
  ),
  rpn: training(
    ["localize", "train"],
    ["--network", "cifar_resnet20", "--norm", "batch", "--batch", "2", "--epochs", "2", ...localizer],
  ),
  rcnn: training(
    ["localize", "train"],
    [
      ...["--stage", "rcnn", "--proposals", "../data/rpn/weights/last.safetensors"],
      ...["--weights", "../data/rpn/weights/last.safetensors", "--batch", "12", "--epochs", "2"],
      ...[...localizer, "regions=2"],
    ],
  ),
  detect: {
    ...detection(),
    result: (out) => hashes(out),
  },
} satisfies Record<string, Job>

export type JobName = keyof typeof jobs

function detection(): Pick<Job, "start" | "resume"> {
  const start = [
    ...["detect", "--weights", "../data/few-run/weights/last.safetensors", "--source", "../data/one/JPEGImages"],
    ...["--score", "0", "--max-detections", "3", "--format", "jsonl,coco,csv,voc,yolo", "--crops", "--out", "out"],
  ]
  return { start, resume: [...start, "--resume"] }
}

/** Makes what the jobs read, in `data` below a folder. */
export async function prepareJobs(root: string, names: readonly JobName[], engine: string): Promise<void> {
  const data = join(root, "data")
  if (names.some((name) => name !== "classify")) {
    await makeShapes(join(data, "few"), { images: 3, valImages: 1, sides: [64, 72], heights: [14, 20], counts: [4, 5] })
    await makeShapes(join(data, "one"), {
      images: 6,
      valImages: 1,
      sides: [64, 72],
      heights: [16, 32],
      counts: [1, 1],
    })
  }
  writeCifar(join(data, "cifar"))
  const made = async (name: "rpn" | "train", out: string) => {
    const { code, said } = await call([...jobs[name].start.slice(0, -1), out, "--engine", engine], { cwd: data })
    if (code !== 0) throw new Error(`${name} failed:\n${said}`)
  }
  if (names.includes("rcnn")) await made("rpn", "rpn")
  if (names.includes("detect")) await made("train", "few-run")
}

/** CIFAR-10's binary files, of noise. */
function writeCifar(folder: string): void {
  const records = (count: number) =>
    Buffer.from(Uint8Array.from({ length: 3073 * count }, (_, i) => (i % 3073 === 0 ? (i / 3073) % 3 : (i * i) % 251)))
  writeWhole(join(folder, "data_batch_1.bin"), records(12))
  writeWhole(join(folder, "test_batch.bin"), records(6))
  writeWhole(join(folder, "batches.meta.txt"), "red\ngreen\nblue\n")
}

/** Every file of a run and of its turns, but for reports and times; what should not be there shows. */
function trained(out: string): Record<string, string> {
  const compared = Object.entries(hashes(out)).flatMap(([file, hash]) => {
    const text = () => readFileSync(join(out, file), "utf8")
    switch (basename(file)) {
      case "config.json":
      case "report.html":
        return []
      case "metrics.jsonl":
        return [[file, withoutTimes(text())]]
      case "results.csv":
        return [[file, withoutSeconds(text())]]
      default:
        return [[file, hash]]
    }
  })
  return Object.fromEntries(compared)
}

function withoutTimes(lines: string): string {
  return lines.replace(/"(stepMs|dataMs|bytes|secondsLeft)":[^,}]+,?/g, "")
}

/** A table without its column of that name. */
function withoutSeconds(table: string): string {
  const rows = table.split("\n").map((line) => line.split(","))
  const at = rows[0]!.indexOf("seconds")
  return rows.map((row) => row.filter((_, column) => column !== at).join(",")).join("\n")
}

function hashes(folder: string): Record<string, string> {
  if (!existsSync(folder)) return {}
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const paths = entries.map((entry) => join(entry.parentPath, entry.name)).sort()
  const digest = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex").slice(0, 16)
  return Object.fromEntries(paths.map((path) => [path.slice(folder.length + 1), digest(path)]))
}
