/**
 * The other half of `golden-eval-protocols.py`: the figures of each line of a file of cases, one JSON line each.
 * node dist/scripts/golden-eval-figures-ours.js cases.jsonl
 */
import { readFileSync } from "node:fs"
import { evaluateImagenetDet } from "../src/eval/imagenet-det.js"
import {
  type CocoAnnotationFile,
  type CocoResultRecord,
  detectionsFromCoco,
  evaluateLvis,
  evaluateOpenImages,
  evaluateVoc,
  truthsFromCoco,
} from "../src/eval/public.js"

interface Case {
  readonly protocol: "voc" | "det" | "lvis" | "openimages"
  readonly truths: CocoAnnotationFile
  readonly results: CocoResultRecord[]
  /** Of VOC: one a truth. */
  readonly difficult?: number[]
  readonly iouThresholds?: number[]
  /** Of ImageNet DET. */
  readonly blacklist?: [number, number][]
  /** Of Open Images: the class above each class. */
  readonly parents?: Record<string, number | null>
}

for (const line of readFileSync(process.argv[2]!, "utf8").split("\n")) {
  if (line !== "") process.stdout.write(`${JSON.stringify(figures(JSON.parse(line) as Case))}\n`)
}

function figures({ protocol, results, difficult, iouThresholds, blacklist, parents, ...one }: Case): unknown {
  const table = truthsFromCoco(one.truths)
  const truths = difficult === undefined ? table : { ...table, difficult: Uint8Array.from(difficult) }
  const detections = detectionsFromCoco(truths, results)
  switch (protocol) {
    case "voc":
      return evaluateVoc(truths, detections, { iouThresholds: iouThresholds! }).map(({ iouThreshold, perClass }) => {
        return { iouThreshold, voc07: perClass.map((k) => k.voc07), voc12: perClass.map((k) => k.voc12) }
      })
    case "det":
      return evaluateImagenetDet(truths, detections, { blacklist: blacklist! }).perClass.map(({ AP }) => AP)
    case "lvis":
      return evaluateLvis(truths, detections)
    case "openimages": {
      const above = Object.entries(parents!).flatMap(([id, parent]) =>
        parent === null ? [] : [[Number(id), [parent]] as const],
      )
      const kinds = {
        challenge: {},
        expanded: { parents: new Map(above) },
        v2: { groupOfWeight: 0, verifiedOnly: false },
      }
      const of = (options: object) => {
        const { mAP, perClass } = evaluateOpenImages(truths, detections, options)
        return { mAP, AP: perClass.map(({ AP }) => AP) }
      }
      return Object.fromEntries(Object.entries(kinds).map(([name, options]) => [name, of(options)]))
    }
  }
}
