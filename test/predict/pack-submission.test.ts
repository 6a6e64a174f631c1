import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { unzipSync } from "fflate"
import { list } from "tar"
import { expect, onTestFinished, test } from "vitest"
import { packSubmission, setName } from "../../src/predict/pack-submission.js"
import { imagenetDetWriter } from "../../src/predict/write-imagenet-det.js"

function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "resdet-submission-"))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

test("VOC's server gets a tar with the kit's folders", async () => {
  const folder = tempFolder()
  mkdirSync(join(folder, "voc"))
  for (const name of ["dog", "cat"])
    writeFileSync(join(folder, "voc", `comp4_det_test_${name}.txt`), `${name} 1 1 1 2 2\n`)
  const file = await packSubmission("voc", folder, "test")
  expect(file).toBe(join(folder, "results.tgz"))
  const names: string[] = []
  const contents: string[] = []
  await list({
    file,
    onReadEntry: (entry) => {
      names.push(entry.path)
      entry.on("data", (chunk: Buffer) => contents.push(chunk.toString()))
    },
  })
  expect(names).toEqual(["cat", "dog"].map((name) => `results/VOC2012/Main/comp4_det_test_${name}.txt`))
  expect(contents.join("")).toBe("cat 1 1 1 2 2\ndog 1 1 1 2 2\n")
  expect(readdirSync(folder).sort()).toEqual(["results.tgz", "voc"])
})

test("COCO's server gets a zip of one file, both named after the test set", async () => {
  const folder = tempFolder()
  // Larger than what is read at once.
  const text = `[${Array.from({ length: 30_000 }, (_, id) => `{"image_id": ${id}}`).join(",\n")}]\n`
  writeFileSync(join(folder, "coco_results.json"), text)
  const file = await packSubmission("coco", folder, setName("annotations/image_info_test-dev2017.json"))
  expect(file).toBe(join(folder, "detections_test-dev2017_resdet_results.zip"))
  const unzipped = unzipSync(readFileSync(file))
  expect(Object.keys(unzipped)).toEqual(["detections_test-dev2017_resdet_results.json"])
  expect(Buffer.from(unzipped["detections_test-dev2017_resdet_results.json"]!).toString()).toBe(text)
})

test("ImageNet DET's lines have the image's number, the class's DET id, and pixels counted from 1", async () => {
  const folder = tempFolder()
  const ids = new Map([
    ["a", 7],
    ["b", undefined],
  ])
  const writer = imagenetDetWriter({
    ...{ folder, classes: ["accordion", "airplane"], categoryIds: [1, 2] },
    imageIds: { from: "names", idOf: ({ stem }) => ids.get(stem) },
  })
  const detections = [{ label: "airplane", classId: 2, score: 0.5, box: [0, 9, 20, 30] as const }]
  for (const stem of ["a", "b"]) writer.write({ path: `${stem}.JPEG`, stem }, { width: 50, height: 40, detections })
  writer.finish()
  const file = await packSubmission("imagenet-det", folder, "val")
  expect(readFileSync(file, "utf8")).toBe("7 2 0.5 1 10 20 30\n")
})

test.each([
  ["annotations/instances_val2017.json", "val2017"],
  ["photos/my test set", "my-test-set"],
])("%s is the set %s", (path, name) => {
  expect(setName(path)).toBe(name)
})
