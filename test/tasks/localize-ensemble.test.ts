import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { makeShapes } from "../../datasets/digits.js"
import { Parameters } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { startEngine } from "../../src/engine/start.js"
import { buildClassRpn, buildRegionNetwork, saveLocalizer } from "../../src/localize/localizer-file.js"
import { classRpnDefaults } from "../../src/localize/options.js"
import { evaluateLocalizer } from "../../src/tasks/evaluate-localizer.js"
import { type ImageObjects, localizeFolder } from "../../src/tasks/localize-folder.js"
import type { LocalizeFolderOptions } from "../../src/tasks/options/localize.js"
import type { LocalizerConfig } from "../../src/weights/model-info.js"
import { buildClassifier } from "../../src/weights/open-model.js"
import { saveClassifier } from "../../src/weights/save.js"
import { quickRandom } from "../support/untrained-detector.js"

const classes = ["disc", "square", "triangle", "ring", "cross", "star", "bar", "arrow", "heart", "moon"]
const folder = mkdtempSync(join(tmpdir(), "resdet-localizers-"))
const file = (name: string) => join(folder, name)
const [data, classifier] = [file("shapes"), file("classifier.safetensors")]
/** Two localizers, their second stages, and one whose classes are in another order. */
const [one, two, other] = [file("one.safetensors"), file("two.safetensors"), file("other.safetensors")]
const [second, third] = [file("second.safetensors"), file("third.safetensors")]
const source = join(data, "JPEGImages")
const input = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] } as const
const network = { network: "cifar_resnet20", options: {}, norm: "batch", frozen: 0, stages: 3, size: 32 } as const

function save(path: string, seed: number, stage: LocalizerConfig["stage"], names = classes): void {
  const parameters = new Parameters(seededRandom(seed))
  const config: LocalizerConfig = { stage, ...network, ...input, rpn: classRpnDefaults }
  const build = stage === "rpn" ? buildClassRpn : buildRegionNetwork
  build(parameters, config, names.length)
  saveLocalizer(path, parameters, { config, classes: names, training: {} })
  parameters.dispose()
}

beforeAll(async () => {
  await startEngine()
  await makeShapes(data, { images: 1, valImages: 3, sides: [64, 72], heights: [16, 32], counts: [1, 1] })
  save(one, 1, "rpn")
  save(two, 2, "rpn")
  save(other, 1, "rpn", classes.toReversed())
  save(second, 3, "rcnn")
  save(third, 4, "rcnn")
  const parameters = new Parameters(quickRandom(1))
  const config = { network: "cifar_resnet20", options: {}, size: 32, ...input } as const
  buildClassifier(parameters, config, classes.length)
  saveClassifier(classifier, parameters, { config, classes, training: {} })
  parameters.dispose()
})
afterAll(() => rmSync(folder, { recursive: true }))

async function found(options: Omit<LocalizeFolderOptions, "source">): Promise<ImageObjects["objects"][number][]> {
  const seen: ImageObjects[] = []
  await localizeFolder({ source, class: ["ring", "disc"], ...options }, { onImage: (image) => seen.push(image) })
  return seen.flatMap(({ objects }) => objects)
}

test("of several localizers the surer one's box counts", async () => {
  const [first, later, both] = [
    await found({ weights: one }),
    await found({ weights: two }),
    await found({ weights: [one, two] }),
  ]
  expect(both).toEqual(first.map((object, at) => (object.score >= later[at]!.score ? object : later[at])))
  expect(both).not.toEqual(first)
  expect(both).not.toEqual(later)
})

test("a localizer twice is that localizer", async () => {
  expect(await found({ weights: [one, one] })).toEqual(await found({ weights: one }))
  const stages = { weights: one, rcnn: second, proposals: 5 }
  expect(await found({ weights: [one, one], rcnn: [second, second], proposals: 5 })).toEqual(await found(stages))
})

test("what second stages say of the same proposals is averaged", async () => {
  const whole = { weights: one, proposals: 1 }
  const [first, later] = [await found({ ...whole, rcnn: second }), await found({ ...whole, rcnn: third })]
  // The same first stage twice, so that both have the same one proposal.
  const both = await found({ weights: [one, one], rcnn: [second, third], proposals: 1 })
  for (const [at, { score, box }] of both.entries()) {
    expect(score).toBeCloseTo((first[at]!.score + later[at]!.score) / 2, 5)
    box.forEach((edge, c) => {
      expect(edge).toBeCloseTo((first[at]!.box[c]! + later[at]!.box[c]!) / 2, 3)
    })
  }
  expect(both).not.toEqual(first)
})

test("a split is scored by several weights as by one", async () => {
  const alone = await evaluateLocalizer({ weights: one, data, classifier })
  expect(await evaluateLocalizer({ weights: [one, one], data, classifier: [classifier, classifier] })).toEqual(alone)
  expect(alone.figures).toMatchObject({
    images: 3,
    localizationError: expect.any(Number),
    classificationError: expect.any(Number),
  })
})

test("members that do not fit each other are refused in one line", async () => {
  await expect(found({ weights: [one, two], rcnn: second })).rejects.toThrow(
    "expected as many --rcnn as --weights, or none, got 1 for 2",
  )
  await expect(found({ weights: [one, other] })).rejects.toThrow(
    `${other}: expected the classes of ${one}, disc, square, triangle, ring, cross, star, bar, arrow, heart, moon, got moon, `,
  )
})

/** The lines of a submission, each as its guesses. */
const guessesIn = (path: string) =>
  readFileSync(path, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) =>
      Array.from({ length: line.split(" ").length / 5 }, (_, g) =>
        line
          .split(" ")
          .map(Number)
          .slice(5 * g, 5 * g + 5),
      ),
    )

test("a submission has five guesses of each image of the split, in its order, inside the picture", async () => {
  const [submission, classIds] = [file("loc.txt"), file("map_clsloc.txt")]
  writeFileSync(classIds, classes.map((name, at) => `${name} ${100 + at} ${name}\n`).join(""))
  await evaluateLocalizer({ weights: [one, two], data, classifier, submission, classIds })
  const lines = guessesIn(submission)
  expect(lines.map((guesses) => guesses.length)).toEqual([5, 5, 5])
  const images: ImageObjects[] = []
  const list = file("val.txt")
  const names = readFileSync(join(data, "ImageSets", "Main", "val.txt"), "utf8")
    .trim()
    .split("\n")
  writeFileSync(list, names.map((name) => `${join(source, name)}.jpg\n`).join(""))
  await localizeFolder({ weights: [one, two], source: list, classifier }, { onImage: (image) => images.push(image) })
  for (const [at, { width, height, objects }] of images.entries()) {
    expect(lines[at]!.map(([number]) => number)).toEqual(objects.map(({ label }) => 100 + classes.indexOf(label)))
    for (const [g, [, left, top, right, bottom]] of lines[at]!.entries()) {
      const [x1, y1, x2, y2] = objects[g]!.box as [number, number, number, number]
      expect([left, top]).toEqual([Math.floor(x1) + 1, Math.floor(y1) + 1])
      expect([right, bottom]).toEqual([Math.round(x2), Math.round(y2)])
      expect(right).toBeLessThanOrEqual(width)
      expect(bottom).toBeLessThanOrEqual(height)
    }
  }
})

test("a picture that cannot be read has an empty line in a submission", async () => {
  const [list, submission] = [file("list.txt"), file("predicted.txt")]
  writeFileSync(file("broken.jpg"), "not an image")
  writeFileSync(list, `${file("broken.jpg")}\n${join(source, "000000.jpg")}\n`)
  await localizeFolder({ weights: one, source: list, class: ["ring"], submission })
  expect(readFileSync(submission, "utf8")).toMatch(/^\n4 \d+ \d+ \d+ \d+\n$/)
})

test("a submission whose numbers or place are wrong is refused before the images are looked at", async () => {
  const onProgress = ({ done }: { done: number }) => {
    if (done > 0) throw new Error("looked at an image")
  }
  const asked = { weights: one, data, classifier }
  const classIds = file("too-few.txt")
  writeFileSync(classIds, "disc 1 disc\n")
  await expect(
    evaluateLocalizer({ ...asked, submission: file("never.txt"), classIds }, { onProgress }),
  ).rejects.toThrow("expected a line with the number of square")
  await expect(evaluateLocalizer({ ...asked, submission: data }, { onProgress })).rejects.toThrow(/it is a folder: /)
})

test("a submission without a classifier is refused before anything is opened", async () => {
  await expect(evaluateLocalizer({ weights: "absent", data, submission: file("never.txt") })).rejects.toThrow(
    "--submission: expected --classifier, whose five guesses it has",
  )
})
