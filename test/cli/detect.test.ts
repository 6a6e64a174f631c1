import { spawn, spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"

const dummy = resolve("test/support/dummy-cli.mjs")

let folder = ""
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "resdet-detect-command-"))
  mkdirSync(join(folder, "photos"))
  for (let i = 0; i < 100; i++) writeFileSync(join(folder, `photos/${i}.jpg`), "ok")
})
afterEach(() => rmSync(folder, { recursive: true }))

function detect(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const options = { cwd: folder, encoding: "utf8", env: { ...process.env, ...env } } as const
  const { status, stdout, stderr } = spawnSync(process.execPath, [dummy, "detect", ...args], options)
  return { status, stdout, stderr }
}

test("results go to a new folder each time, which is all that stdout says", () => {
  const args = ["--weights", "w", "--source", "photos/1.jpg"]
  expect(detect(args)).toMatchObject({ status: 0, stdout: `${join("runs", "detect", "detect1")}\n` })
  expect(detect(args).stdout).toBe(`${join("runs", "detect", "detect2")}\n`)
  expect(readdirSync(join(folder, "runs/detect/detect2")).sort()).toEqual(["detect.json", "detections.jsonl", "images"])
})

test("a source that holds the runs folder does not feed a run with pictures of runs", () => {
  const args = ["--weights", "w", "--source", ".", "--score", "0.5"]
  rmSync(join(folder, "photos"), { recursive: true })
  writeFileSync(join(folder, "a.jpg"), "ok")
  for (const run of ["detect1", "detect2"]) {
    expect(detect(args)).toMatchObject({ status: 0, stderr: expect.stringMatching(/^1\/1 a\.jpg: [^\n]+\n1 image: /) })
    expect(readdirSync(join(folder, "runs/detect", run, "images"))).toEqual(["a.jpg"])
  }
  const earlier = detect(["--weights", "w", "--source", "runs/detect/detect1", "--out", "again"])
  expect(earlier.stderr).toMatch(/^1\/1 images\/a\.jpg/)
})

test("an unreadable image is skipped, and the exit code is 3 at the end", () => {
  writeFileSync(join(folder, "list.txt"), "photos/1.jpg\nbroken.jpg\nphotos/2.jpg\n")
  writeFileSync(join(folder, "broken.jpg"), "no")
  const { status, stderr } = detect(["--weights", "w", "--source", "list.txt", "--out", "out", "--no-draw"])
  expect(status).toBe(3)
  expect(stderr).toMatch(/^1\/3 photos\/1\.jpg: 1x1, 1 dog, \d+ ms\n2\/3 broken\.jpg: skipped: not an image\n3\/3 /)
  expect(stderr).toMatch(/error: 1 of 3 images could not be read or written; the others are in out\n$/)
  expect(readFileSync(join(folder, "out/detections.jsonl"), "utf8").trimEnd().split("\n")).toHaveLength(3)
  const alone = detect(["--weights", "w", "--source", "broken.jpg", "--out", "alone", "--crops"])
  expect(alone.stderr).toMatch(/0 images/)
  expect(alone.stderr).not.toContain("pictures:")
})

test("the end tells what was found, how quickly, where the pictures are and what to do next; with --quiet nothing", () => {
  writeFileSync(join(folder, "list.txt"), "photos/1.jpg\nphotos/2.jpg\n")
  const args = ["--weights", "w", "--source", "list.txt", "--out", "my out"]
  const pictures = join("my out", "images")
  expect(detect(args).stderr).toMatch(
    new RegExp(
      `\n2 images \\([\\d.]+ a second\\): 2 dog\npictures: ${pictures}\nnext: npx resdet eval --gt <data> --predictions 'my out'\n$`,
    ),
  )
  expect(detect([...args, "--out", "other", "--quiet"])).toEqual({ status: 0, stdout: "other\n", stderr: "" })
  const images = [1, 2].map((id) => ({ id, file_name: `${id}.jpg`, width: 1, height: 1 }))
  writeFileSync(join(folder, "gt.json"), JSON.stringify({ images, annotations: [], categories: [] }))
  const against = ["--format", "coco", "--data", "gt.json", "--split", "test", "--out", "against"]
  expect(detect([...args, ...against]).stderr).toMatch(
    /next: npx resdet eval --gt gt\.json --split test --predictions against\n$/,
  )
})

test("Ctrl-C keeps what was written as whole files and exits with 130", async () => {
  const args = [dummy, "detect", "--weights", "w", "--source", "photos", "--out", "out", "--format", "coco,jsonl"]
  const child = spawn(process.execPath, args, { cwd: folder })
  child.stderr.once("data", () => child.kill("SIGINT"))
  const code = await new Promise((done) => child.on("close", (status, signal) => done(status ?? signal)))
  expect(code).toBe(130)
  const lines = readFileSync(join(folder, "out/detections.jsonl"), "utf8").trimEnd().split("\n")
  expect(lines.length).toBeLessThan(100)
  expect(JSON.parse(readFileSync(join(folder, "out/coco_results.json"), "utf8"))).toHaveLength(lines.length)
})

test("with --out - the lines of a log go to stdout as images are done, and no file is written", async () => {
  writeFileSync(join(folder, "list.txt"), "photos/1.jpg\nbroken.jpg\nphotos/2.jpg\n")
  writeFileSync(join(folder, "broken.jpg"), "no")
  const files = readdirSync(folder).sort()
  const args = ["--weights", "w", "--source", "list.txt"]
  const streamed = detect([...args, "--out", "-", "--quiet"])
  expect(streamed).toMatchObject({ status: 3, stderr: "error: 1 of 3 images could not be read or written\n" })
  expect(readdirSync(folder).sort()).toEqual(files)
  detect([...args, "--out", "out"])
  expect(streamed.stdout).toBe(readFileSync(join(folder, "out/detections.jsonl"), "utf8"))
  expect(detect([...args, "--out", "-"]).stderr).toMatch(/\n2 images \([\d.]+ a second\): 2 dog\nerror: [^\n]+\n$/)

  // Each line comes before the next image is looked at, and Ctrl-C ends it after the image at hand.
  const child = spawn(process.execPath, [dummy, "detect", "--weights", "w", "--source", "photos", "--out", "-"], {
    cwd: folder,
  })
  let stdout = ""
  let stderr = ""
  child.stderr.on("data", (text) => {
    stderr += text
  })
  child.stdout.on("data", (text) => {
    if (stdout === "") child.kill("SIGINT")
    stdout += text
  })
  expect(await new Promise((done) => child.on("close", done))).toBe(130)
  const lines = stdout.trimEnd().split("\n")
  expect(lines.length).toBeLessThan(100)
  expect(lines.map((line) => (JSON.parse(line) as { detections: [] }).detections.length)).toEqual(lines.map(() => 1))
  expect(stderr).toMatch(new RegExp(`\nstopped after ${lines.length} images\n$`))
})

test.each([
  [["--crops"], "--out - writes JSON lines alone: --crops needs a folder"],
  [["--resume"], "--out - writes JSON lines alone: --resume needs a folder"],
  [["--format", "coco"], "--out - writes JSON lines alone: --format needs a folder"],
  [["--below", "0.5"], "--out - writes JSON lines alone: --below needs a folder"],
  [["--json", "-"], "--out - and --json - both write to stdout: give --json a file"],
])("--out - refuses %s", (flags, message) => {
  const { status, stdout, stderr } = detect(["--weights", "w", "--source", "photos", "--out", "-", ...flags])
  expect({ status, stdout, stderr }).toEqual({ status: 2, stdout: "", stderr: `error: ${message}\n` })
})

test("--config - reads options from stdin, beside which nothing else may", () => {
  const options = { cwd: folder, encoding: "utf8" } as const
  const call = (input: string, ...args: string[]) =>
    spawnSync(process.execPath, [dummy, "detect", "--config", "-", ...args], { ...options, input })
  const { status, stdout } = call("weights: w\nsource: photos/1.jpg\nout: '-'\n")
  expect(status).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ image: "1.jpg" })
  expect(call("{", "--source", "a").stderr).toMatch(/^error: standard input: /)
  expect(call("weights: w\nsources: a\n").stderr).toMatch(/^error: standard input: unknown option "sources"/)
  expect(call("weights: w\n", "--source", "-").stderr).toBe(
    "error: --config - and --source - both read standard input: give one of them a file\n",
  )
})

test("a wrong engine in the environment is named as the variable's", () => {
  const { status, stderr } = detect(["--weights", "w", "--source", "photos"], { RESDET_ENGINE: "wasmm" })
  expect(status).toBe(2)
  expect(stderr).toContain("error: RESDET_ENGINE: expected engine to be one of")
})

test("--print-config shows file, environment, flags and --set in that order, and detects nothing", () => {
  writeFileSync(join(folder, "c.yaml"), "source: photos\ndraw: false\nscore: 0.1\nnms: 0.2\nengine: tensorflow\n")
  const args = ["--config", "c.yaml", "--weights", "w", "--score", "0.3", "--set", "nms=0.4", "--print-config"]
  const { status, stdout } = detect(args, { RESDET_ENGINE: "wasm" })
  expect(status).toBe(0)
  expect(JSON.parse(stdout)).toEqual({
    source: join(folder, "photos"),
    offline: false,
    split: "val",
    resume: false,
    weights: ["w"],
    draw: false,
    score: 0.3,
    nms: 0.4,
    engine: "wasm",
    precision: "float32",
    format: ["jsonl"],
    hideLabels: false,
    hideScores: false,
    crops: false,
  })
  expect(readdirSync(folder).sort()).toEqual(["c.yaml", "photos"])
})

test("--json takes the options of --print-config into a file", () => {
  const args = ["--weights", "w", "--source", "http://host/a.jpg", "--print-config", "--json", "plan.json"]
  expect(detect(args)).toEqual({ status: 0, stdout: "", stderr: "" })
  expect(JSON.parse(readFileSync(join(folder, "plan.json"), "utf8"))).toMatchObject({ source: "http://host/a.jpg" })
})

test("a file may name one detector or several, relative to itself, and how they look at photos", () => {
  writeFileSync(
    join(folder, "c.yaml"),
    "source: photos\nweights: [a, b]\nscales: [40, 60]\nsoftNms: linear\nflip: true\n",
  )
  const { stdout } = detect(["--config", "c.yaml", "--set", "tiles=64", "--refine", "--print-config"])
  expect(JSON.parse(stdout)).toMatchObject({
    weights: [join(folder, "a"), join(folder, "b")],
    scales: [40, 60],
    softNms: "linear",
    flip: true,
    refine: true,
    tiles: 64,
  })
})

test.each([
  [["--source", "photos"], /^error: detect needs --weights <files\.\.\.>: a trained detector/],
  [["--weights", "w", "--source", "fotos"], /^error: fotos: no such file or folder/],
  [["--set", "weights=[]"], "error: --set weights=[]: expected weights to be a list of at least 1, got []\n"],
  [
    ["--weights", "w", "--source", "photos", "--set", "scales=400"],
    "error: --set scales=400: expected scales to be a list, got 400\n",
  ],
  [["--tiles", "8"], /^error: --tiles: expected a whole number, 32 or more, got 8\n$/],
  [["--scales", "400,x"], /^error: --scales: expected scales\.1 to be a number, got "x"\n$/],
  [["--soft-nms", "hard"], /^error: --soft-nms: expected one of off, linear, gaussian, got "hard"\n$/],
  [["--flips"], 'error: unknown option "--flips". Did you mean "--flip"?\n'],
  [
    ["--weights", "w", "--source", "http://127.0.0.1:1/a.jpg", "--offline"],
    "error: --offline: http://127.0.0.1:1/a.jpg would be fetched\n",
  ],
  [["--score", "2"], /^error: --score: expected a number of at most 1, got 2\n$/],
  [["--engine", "cuda"], /^error: --engine: expected one of onnx, tensorflow, webgpu, wasm, auto, got "cuda"\n$/],
  [
    ["--weights", "w", "--source", "photos", "--format", "yolov"],
    /^error: unknown format "yolov"\. Did you mean "yolo"\?/,
  ],
])("the usage %j is refused with one line", (args, line) => {
  const { status, stderr } = detect(args)
  expect(status).toBe(2)
  expect(stderr).toMatch(line)
  expect(stderr.trimEnd()).not.toContain("\n")
})

test("an image whose own files cannot be written is that image's fault", () => {
  const long = `${"n".repeat(251)}.jpg`
  mkdirSync(join(folder, "two"))
  for (const name of [long, "z.jpg"]) writeFileSync(join(folder, "two", name), "ok")
  const { status, stderr } = detect(["--weights", "w", "--source", "two", "--out", "out", "--crops"])
  expect(status).toBe(3)
  expect(stderr).toMatch(
    /^1\/2 n{100}\.\.\.n+\.jpg: skipped: .* cannot be written \(ENAMETOOLONG.*\)\n2\/2 z\.jpg: 1x1, /,
  )
  expect(readdirSync(join(folder, "out", "crops", "dog"))).toEqual(["z-1.jpg"])
})

test("names of strangers do not reach the terminal as they are", () => {
  mkdirSync(join(folder, "odd"))
  writeFileSync(join(folder, "odd", "a\u001b]0;x\u0007\nerror: b.jpg"), "ok")
  const { stderr, stdout } = detect(["--weights", "w", "--source", "odd", "--out", "out\u202e", "--no-draw"])
  expect(stderr).toMatch(/^1\/1 a\\x1b\]0;x\\x07\\nerror: b\.jpg: 1x1[^\n]*\n1 image: 1 dog\nnext: /)
  expect(stdout).toBe("out\\u202e\n")
})
