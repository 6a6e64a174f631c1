import { readFileSync } from "node:fs"
import { gunzipSync } from "node:zlib"
import { expect, test } from "vitest"
import { evaluateCoco } from "../../src/eval/coco.js"
import type { CocoOptions } from "../../src/eval/coco-options.js"
import { detectionsFromCoco, truthsFromCoco } from "../../src/eval/coco-records.js"
import type { Params } from "../../src/eval/cocoapi/public.js"
import { subsetOf } from "../../src/eval/subset.js"
import { type PlainFile, type PlainResult, result, truthFile } from "./support/cases.js"

interface Case {
  readonly seed: number
  readonly truths: PlainFile
  readonly results: PlainResult[]
  readonly params: Partial<Params>
  readonly expected: { readonly stats: string }
}

const golden = JSON.parse(readFileSync(new URL("../golden/eval/cocoapi-random.json", import.meta.url), "utf8")) as {
  cases: Case[]
}

/** `evaluateCoco` takes lists in ascending order only, and 32 thresholds at most; pycocotools needs three limits for its figures. */
const isTaken = ({ params: { iouThrs, recThrs, maxDets } }: Case) =>
  [iouThrs, recThrs, maxDets].every((list) =>
    [...(list ?? [])].every((value, i, all) => i === 0 || value > all[i - 1]!),
  ) &&
  (iouThrs?.length ?? 0) <= 32 &&
  (maxDets?.length ?? 3) === 3
const taken = golden.cases.filter(isTaken)

test("some cases choose images, some classes, some none", () => {
  const changed = (key: keyof Params) => taken.filter(({ params }) => params[key] !== undefined).length
  expect(Math.min(changed("imgIds"), changed("catIds"), changed("useCats"))).toBeGreaterThan(0)
})

test.each(taken)("parts and parameters give pycocotools' figures to the last bit (case $seed)", (one) => {
  const { imgIds, catIds, useCats, iouThrs, recThrs, maxDets, areaRng, areaRngLbl } = one.params
  const all = truthsFromCoco(one.truths)
  const { truths, detections } = subsetOf(all, detectionsFromCoco(all, one.results), {
    imageIds: imgIds && [...imgIds].map(String),
    categories: catIds && [...catIds].map(String),
    classAgnostic: useCats === 0,
  })
  const options: Partial<CocoOptions> = {
    truthIdZero: "pycocotools",
    ...(iouThrs && { iouThresholds: [...iouThrs] }),
    ...(recThrs && { recallThresholds: [...recThrs] }),
    ...(maxDets && { maxDetections: [...maxDets] }),
    ...(areaRng && {
      areaRanges: areaRng.map(([from, to], i) => ({
        name: areaRngLbl?.[i] ?? ["all", "small", "medium", "large"][i]!,
        from: from!,
        to: to!,
      })),
    }),
  }
  const expected = new Float64Array(Uint8Array.from(gunzipSync(Buffer.from(one.expected.stats, "base64"))).buffer)
  expect([...evaluateCoco(truths, detections, options).stats]).toEqual([...expected])
})

test("what is no part is refused with the nearest name", () => {
  const truths = truthsFromCoco(truthFile([{ box: [0, 0, 9, 9] }], 2, 2))
  const detections = detectionsFromCoco(truths, [result([0, 0, 9, 9], 1)])
  expect(() => subsetOf(truths, detections, { categories: ["clas 1"] })).toThrow('Did you mean "class 1"?')
  expect(() => subsetOf(truths, detections, { imageIds: ["7"] })).toThrow('image "7" is not among the 2 images')
  expect(subsetOf(truths, detections, { categories: ["class 2"] }).detections.image.length).toBe(0)
})
