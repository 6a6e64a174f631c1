import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as tf from "@tensorflow/tfjs-core"
import { afterAll, beforeAll, expect, test } from "vitest"
import { encodeImage } from "../../datasets/image/encode.js"
import { ResNet } from "../../src/backbone/classifier.js"
import { networkSpec } from "../../src/backbone/networks.js"
import { Parameters, Scope } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { startEngine } from "../../src/engine/start.js"
import { classifyFolder } from "../../src/tasks/classify-folder.js"
import { evaluateClassifier } from "../../src/tasks/evaluate-classifier.js"
import { saveClassifier } from "../../src/weights/save.js"
import { runCommand } from "../support/run-command.js"
import { saveUntrained } from "../support/untrained-detector.js"

const folder = mkdtempSync(join(tmpdir(), "resdet-classify-"))
const weights = join(folder, "light.safetensors")
const data = join(folder, "data")
afterAll(() => rmSync(folder, { recursive: true }))

/** A network that tells bright from dark: its features are all 1, and its bias is made of the input's mean. */
beforeAll(async () => {
  await startEngine()
  saveLight(weights, ["bright", "dark"])
  const picture = (value: number, side: number) =>
    encodeImage({ data: new Uint8Array(3 * side * side).fill(value), height: side, width: side }, { format: "png" })
  for (const name of ["bright", "dark"]) mkdirSync(join(data, "val", name), { recursive: true })
  writeFileSync(join(data, "val/bright/a.png"), await picture(250, 32))
  writeFileSync(join(data, "val/bright/b.png"), await picture(10, 40))
  writeFileSync(join(data, "val/bright/c.png"), "not an image")
  writeFileSync(join(data, "val/dark/d.png"), await picture(0, 32))
})

/** All filters 0 but a way straight through for red, so that brighter pictures score higher in class 0. */
function saveLight(path: string, classes: readonly string[], training = {}): void {
  const parameters = new Parameters(seededRandom(1))
  new ResNet(new Scope(parameters), networkSpec("cifar_plain20"), { classes: classes.length })
  for (const { name, kind, variable } of parameters) {
    const values = new Float32Array(variable.size)
    // The middle of a 3x3 filter, from channel 0 to channel 0.
    if (kind === "conv") values[4 * variable.shape[2]! * variable.shape[3]!] = 1
    if (name.endsWith("running_var") || (kind === "norm" && name.endsWith("weight"))) values.fill(1)
    if (name === "fc.weight") values[0] = 4
    if (name === "fc.bias") values[1] = 2
    tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)))
  }
  const config = { network: "cifar_plain20", options: {}, size: 32, mean: [0, 0, 0], std: [1, 1, 1] } as const
  saveClassifier(path, parameters, { config, classes, training })
  parameters.dispose()
}

/** Runs `classify eval` or `classify predict`. */
const run = (...args: string[]) => runCommand("classify", ...args)

test("a set is scored, what cannot be read is told, left out, and the command ends with bad data", async () => {
  const perImage = join(folder, "scores.jsonl")
  const args = ["--weights", weights, "--data", data, "--json", "-", "--per-image", perImage]
  const { out, said, code } = await run("eval", ...args)
  expect(JSON.parse(out)).toEqual({
    images: 3,
    top1Error: 1 / 3,
    top5Error: 0,
    perClass: [
      { name: "bright", images: 2, accuracy: 0.5 },
      { name: "dark", images: 1, accuracy: 1 },
    ],
    confusion: [
      [1, 1],
      [0, 1],
    ],
  })
  expect(said).toContain("val/bright/c.png: skipped: ")
  expect(code).toBe(3)
  expect(said).toMatch(/error: 1 of 4 images could not be read; the others are scored\n$/)
  const lines = readFileSync(perImage, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line))
  expect(lines.map(({ image, truth, said }) => [image, truth, said])).toEqual([
    ["val/bright/a.png", "bright", "bright"],
    ["val/bright/b.png", "bright", "dark"],
    ["val/dark/d.png", "dark", "dark"],
  ])
  // Logits 4 * 250 / 255 and 2; ReLU keeps them.
  const bright = 1 / (1 + Math.exp(2 - 1000 / 255))
  expect(lines[0].scores[0]).toBeCloseTo(bright, 4)
  expect(lines[2].scores[0]).toBeCloseTo(1 / (1 + Math.exp(2)), 4)
})

test("folders that are called 0, 1, ... are the classes of these names, for whoever was trained on such", async () => {
  const digits = join(folder, "digits.safetensors")
  const photos = join(folder, "digit-photos")
  for (const name of ["1", "7"]) cpSync(join(data, "val/dark"), join(photos, name), { recursive: true })
  saveLight(digits, ["0", "1"], { epoch: 1 })
  const { out, said } = await run("eval", "--weights", digits, "--data", photos, "--json", "-")
  expect(JSON.parse(out)).toMatchObject({
    images: 1,
    top1Error: 0,
    perClass: [{ images: 0 }, { name: "1", images: 1 }],
  })
  expect(said).toContain('the class "7" is not among those asked for')
})

test("what comes next shows pictures to the network as they were shown", async () => {
  const { said } = await run("eval", "--weights", weights, "--data", data, "--scales", "32,40")
  expect(said).toContain(`next: npx resdet classify predict --weights ${weights} --scales 32,40 --source <pictures>\n`)
})

test("a network with numbers for names takes the folder of each class from a list, as of ImageNet's synsets", async () => {
  const numbered = join(folder, "numbered.safetensors")
  const photos = join(folder, "photos")
  cpSync(join(data, "val/dark"), join(photos, "n01440764"), { recursive: true })
  saveLight(numbered, ["0", "1"])
  const list = join(folder, "mapping.txt")
  writeFileSync(list, "n01443537 goldfish, Carassius auratus\nn01440764 tench, Tinca tinca\n")
  const { out } = await run("eval", "--weights", numbered, "--data", photos, "--classes", list, "--json", "-")
  expect(JSON.parse(out)).toMatchObject({ images: 1, top1Error: 0, perClass: [{ images: 0 }, { name: "n01440764" }] })
  expect(await run("eval", "--weights", numbered, "--data", photos, "--classes", "imagenet")).toMatchObject({
    code: 3,
    said: expect.stringContaining(
      "has 1 of ImageNet's 1,000 folders (n01440764, ...) among 1. Name all classes by a file",
    ),
  })
  expect(await run("eval", "--weights", weights, "--data", data, "--classes", list)).toMatchObject({
    code: 2,
    said: expect.stringContaining("--classes: the classifier has names of its own: bright, dark. Leave it out"),
  })
})

test("the report for people names what a class was taken for", async () => {
  const { out } = await run("eval", "--weights", weights, weights, "--data", data, "--split", "val")
  expect(out.split("\n").slice(0, 4)).toEqual([
    "3 images: top-1 error 33.33 %, top-5 error 0.00 %",
    "class   images  accuracy  taken for",
    "bright       2     50.00  dark 1",
    "dark         1    100.00",
  ])
})

test("whole images at several sizes and a batch of one score flat pictures the same", async () => {
  const { out } = await run(
    "eval",
    "--weights",
    weights,
    "--data",
    data,
    "--scales",
    "32,48",
    "--batch",
    "1",
    "--json",
    "-",
  )
  expect(JSON.parse(out).top1Error).toBe(1 / 3)
})

test("every image of a source has its line, best class first", async () => {
  const { out, said, code } = await run("predict", "--weights", weights, "--source", data, "--batch", "2")
  expect(out).toBe(
    "val/bright/a.png: bright 0.872, dark 0.128\nval/bright/b.png: dark 0.863, bright 0.137\nval/dark/d.png: dark 0.881, bright 0.119\n",
  )
  expect(said).toContain("val/bright/c.png: skipped: ")
  expect(code).toBe(3)
  expect(said).toMatch(/error: 1 of 4 images could not be read\n$/)
})

test("lines of JSON and CSV go to a file that is there when it is whole", async () => {
  const source = join(data, "val/dark")
  const file = join(folder, "guesses")
  const args = ["--weights", weights, "--source", source, "--out", file, "--top", "1"]
  const { out, code } = await run("predict", ...args, "--format", "jsonl")
  expect([out, code]).toEqual(["", 0])
  expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({
    image: "d.png",
    classes: [{ label: "dark", classId: 1, score: expect.closeTo(0.880797, 5) }],
  })
  const named = join(folder, "named.safetensors")
  saveLight(named, ["bright", 'dark, "black"'])
  await run("predict", "--weights", named, "--source", source, "--out", file, "--format", "csv")
  expect(readFileSync(file, "utf8")).toMatch(
    /^image,rank,label,class_id,score\nd\.png,1,"dark, ""black""",1,0\.88079\d\nd\.png,2,bright,0,0\.1192\d+\n$/,
  )
})

test("lines of CSV on stdout begin with their head, also by the flag of 0.1.0, which is told its new name", async () => {
  const args = ["predict", "--weights", weights, "--source", join(data, "val/dark"), "--top", "1"]
  const lines = "image,rank,label,class_id,score\nd.png,1,dark,1,0.880797\n"
  expect(await run(...args, "--format", "csv")).toMatchObject({ out: lines, code: 0 })
  const former = await run(...args, "--csv")
  expect(former).toMatchObject({ out: lines, code: 0 })
  expect(former.said).toContain('--csv: "csv" is now called "format csv"\n')
})

test("--json has all images of a source in one document", async () => {
  const { out, code } = await run("predict", "--weights", weights, "--source", data, "--top", "1", "--json", "-")
  expect(code).toBe(3)
  expect(JSON.parse(out)).toEqual({
    images: ["val/bright/a.png", "val/bright/b.png", "val/dark/d.png"].map((image) => ({
      image,
      classes: [{ label: expect.any(String), classId: expect.any(Number), score: expect.any(Number) }],
    })),
    skipped: [{ image: "val/bright/c.png", message: expect.any(String) }],
  })
})

test("from TypeScript a folder is classified and a set scored without a word on stdout", async () => {
  const seen: string[] = []
  const folder = await classifyFolder(
    { weights, source: data, engine: "auto" },
    { onImage: ({ image, classes }) => seen.push(`${image} ${classes[0]!.label}`) },
  )
  expect(folder).toMatchObject({ images: 4, finished: true, skipped: [{ image: "val/bright/c.png" }] })
  expect(seen).toEqual(["val/bright/a.png bright", "val/bright/b.png dark", "val/dark/d.png dark"])
  const progress: number[] = []
  const { report, failed } = await evaluateClassifier(
    { weights: [weights], data },
    { onProgress: ({ done }) => progress.push(done) },
  )
  expect([report.top1Error, failed.length, progress.at(-1)]).toEqual([1 / 3, 1, 4])
  await expect(classifyFolder({ weights, source: data }, { signal: AbortSignal.abort() })).resolves.toMatchObject({
    images: 0,
  })
})

test("a sweep that was stopped says so, and leaves no file that looks whole", async () => {
  const controller = new AbortController()
  const out = join(folder, "cut.txt")
  const hooks = { signal: controller.signal, onImage: () => controller.abort() }
  const cut = await classifyFolder({ weights, source: data, out, batch: 1 }, hooks)
  expect([cut, existsSync(out)]).toEqual([{ images: 1, skipped: [], finished: false }, false])
})

test.each([
  ["10 crops of images seen whole", "eval", ["--data", data, "--crops", "10"], "sees images whole, 32x32", 2],
  ["two ways of testing", "eval", ["--data", data, "--crops", "1", "--scales", "32"], "--crops or --scales", 2],
  ["a count of crops that is no procedure", "eval", ["--data", data, "--crops", "5"], "expected one of 1, 10", 2],
  ["a split that is not there", "eval", ["--data", data, "--split", "test"], 'no split "test"', 3],
  ["an empty folder", "predict", ["--source", join(folder, "empty")], "expected images, found none", 3],
  ["two formats", "predict", ["--source", data, "--format", "jsonl", "--csv"], "--format or --csv", 2],
  ["--json without a file", "predict", ["--source", data, "--json", "--csv"], "--json: expected a file, or -", 2],
] as const)("%s is refused in one line", async (_, command, args, message, exitCode) => {
  mkdirSync(join(folder, "empty"), { recursive: true })
  const { code, said } = await run(command, "--weights", weights, ...args)
  const error = said.slice(said.indexOf("error: "))
  expect(error).toContain(message)
  expect(error.trimEnd()).not.toContain("\n")
  expect(code).toBe(exitCode)
})

test("plain weights, another kind of model and other classes are told", async () => {
  const detector = join(folder, "detector.safetensors")
  saveUntrained({ [detector]: ["cat"] }, 1)
  const wrong = await run("eval", "--weights", detector, "--data", data)
  expect(wrong.said).toContain(`${detector}: expected a classifier, got a detector. Train one with`)
  const other = join(folder, "other.safetensors")
  saveLight(other, ["light", "shade"])
  const { said } = await run("eval", "--weights", weights, other, "--data", data)
  expect(said).toContain('it has "light" where that has "bright"')
  const numbered = join(folder, "numbered.safetensors")
  saveLight(numbered, ["0", "1"])
  expect((await run("eval", "--weights", numbered, "--data", data)).out).toContain("bright       2     50.00")
})
