import { spawnSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { anchorLines } from "../../src/cli/anchors.js"
import { fitAnchors } from "../../src/tasks/fit-anchors.js"
import type { FitAnchorsOptions } from "../../src/tasks/options/fit-anchors.js"
import { png, tempFolder, writeFiles } from "../datasets/samples.js"
import { twins, writeTwin } from "../datasets/turned-photos.js"

/** A COCO set of one class of tiny squares and one of wide boxes, with a crowd that does not count. */
function sample(tiny = 10): string {
  const folder = tempFolder()
  const images = Array.from({ length: 10 }, (_, i) => ({ id: i + 1, file_name: `${i}.png`, width: 400, height: 300 }))
  const annotations = images.flatMap(({ id }) => [
    { id: 10 * id, image_id: id, category_id: 7, bbox: [20 * id, 10, tiny, tiny], iscrowd: 0 },
    { id: 10 * id + 1, image_id: id, category_id: 3, bbox: [10 * id, 60, 240, 60], iscrowd: 0 },
    { id: 10 * id + 2, image_id: id, category_id: 3, bbox: [0, 0, 400, 300], iscrowd: 1 },
  ])
  const categories = [
    { id: 3, name: "wide" },
    { id: 7, name: "tiny" },
  ]
  writeFiles(folder, {
    "annotations/instances_train.json": JSON.stringify({ images, annotations, categories }),
    ...Object.fromEntries(images.map(({ file_name: name }) => [`train/${name}`, png(400, 300)])),
  })
  return folder
}

const look = (options: FitAnchorsOptions) => fitAnchors(options)

test("objects are counted after resizing, without crowds, and classes that the anchors miss stand out", async () => {
  const report = await look({ data: sample(), size: 300 })
  expect(report).toMatchObject({ images: 10, objects: 20, size: 300, maxSize: 500 })
  expect(report.sizes).toEqual({ small: 10, medium: 0, large: 10 })
  expect(report.sides.filter(({ objects }) => objects > 0)).toEqual([
    { below: 16, objects: 10 },
    { below: 128, objects: 10 },
  ])
  expect(report.ratios.filter(({ objects }) => objects > 0)).toEqual([
    { below: 0.35, objects: 10 },
    { below: 1.41, objects: 10 },
  ])
  expect(report.anchors.recall50).toBe(0.5)
  const [wide, tiny] = report.classes
  expect(wide).toMatchObject({ name: "wide", objects: 10, recall50: 1 })
  expect(tiny).toMatchObject({ name: "tiny", objects: 10, recall50: 0, meanIou: expect.closeTo(100 / (46 * 22), 6) })
})

test("the suggestion is a flag that, given back, does what it promises", async () => {
  const data = sample()
  const { suggestion, cell, larger } = await look({ data, size: 300 })
  // Half-way between two cells nothing of 10 pixels is met well.
  expect(suggestion!.recall50).toBe(0.75)
  const { sizes, ratios } = suggestion!
  const again = await look({ data, size: 300, detector: { anchors: { sizes, ratios } } })
  expect(again.anchors).toEqual({ ...suggestion, sizes, ratios })
  expect(again.suggestion).toBeNull()
  expect(cell).toEqual({ stride: 16, smaller: 0.5 })
  expect(larger).toMatchObject({ size: 480, maxSize: 800, smaller: 0 })
  expect((await look({ data, size: 480, maxSize: 800 })).cell.smaller).toBe(0)
})

test("where objects are larger than a cell no larger input is suggested, and a pyramid's finest cell is 4 pixels", async () => {
  expect((await look({ data: sample(20), size: 300 })).larger).toBeNull()
  const pyramid = await look({ data: sample(), size: 300, model: "fasterrcnn_resnet18_fpn" })
  expect(pyramid.cell).toEqual({ stride: 4, smaller: 0 })
  expect(pyramid.suggestion!.sizes).toHaveLength(5)
})

test("the report in lines has the histogram, the low classes and the flags", async () => {
  const lines = anchorLines(await look({ data: sample(), size: 300 }))
  expect(lines).toContain(`  0..16           10 ${"#".repeat(40)}`)
  expect(lines.join("\n")).toMatch(/lowest:\n {2}tiny {6}10 objects {2}0\.0 % at IoU 0\.5/)
  expect(lines.join("\n")).toMatch(
    /--set 'detector\.anchors\.sizes=\[[\d,]+\]' 'detector\.anchors\.ratios=\[[\d.,]+\]'/,
  )
  expect(lines).toContain("  --size 480 --max-size 800")
})

test("the command prints one JSON document, and says a mistake in one line", () => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, ["bin/resdet.js", "anchors", ...args], { encoding: "utf8" })
  const data = sample()
  const asked = ["--data", data, "--corners", "zero-based", "--size", "300"]
  const { status, stdout, stderr: told } = run(...asked, "--json", "-")
  expect(status).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ objects: 20, anchors: { sizes: [32, 64, 128, 256, 512] } })
  // What was looked at, with what is better.
  expect(told).toMatch(
    / train --data \S+ --corners zero-based .* --size 480 --max-size 800 --set 'detector\.anchors\.sizes=\[[\d,]+\]' 'det/,
  )
  for (const [args, code, message] of [
    [["--split", "val"], 3, /No split "val"/],
    [["--model", "fasterrcnn_resnet18_c5"], 2, /Did you mean "fasterrcnn_resnet18_c4"\?/],
    [["--set", "detector.anchors.size=[1]"], 2, /Did you mean "sizes"\?/],
    [["--model", "fasterrcnn_resnet18_fpn", "--preset", "paper"], 2, /expected 5 anchor sizes, one for each level/],
  ] as const) {
    const { status: got, stderr } = run("--data", data, ...args)
    expect(stderr).toMatch(message)
    expect(got).toBe(code)
  }
  expect(run("--data", join(data, "absent")).status).toBe(3)
})

test.each(twins)("%s photos have the boxes of the picture in which they were drawn", async (twin) => {
  const report = await look({ data: await writeTwin(tempFolder(), twin), size: 72, maxSize: 200 })
  // 24 x 10 at twice the size, of a picture whose shorter side is 36.
  expect(report.sides.filter(({ objects }) => objects > 0)).toEqual([{ below: 32, objects: 1 }])
  expect(report.sizes).toEqual({ small: 1, medium: 0, large: 0 })
})

test("a picture counts with its own size where the annotated one is wrong", async () => {
  const data = await writeTwin(tempFolder(), "plain")
  const file = join(data, "Annotations", "a.xml")
  writeFileSync(file, readFileSync(file, "utf8").replace("<width>48", "<width>96").replace("<height>36", "<height>72"))
  const faults: string[] = []
  const onFault = ({ kind }: { kind: string }) => faults.push(kind)
  const report = await fitAnchors({ data, size: 72, maxSize: 200 }, { onFault })
  expect(report.sides.filter(({ objects }) => objects > 0)).toEqual([{ below: 32, objects: 1 }])
  expect(faults).toEqual(["size-mismatch"])
})
