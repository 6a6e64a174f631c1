/**
 * Removes or renames some labels of a data set on purpose, and counts how many of them `resdet eval --suspects` finds.
 * `node dist/scripts/spoil-labels.js --data bccd --split train --labels 20 --seed 1 --out spoilt`: a VOC folder, and
 * `spoilt.json` in it with what was done.
 * `node dist/scripts/spoil-labels.js --spoilt spoilt/spoilt.json --suspects eval.json --first 40`
 */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Dataset, ImageRecord } from "../datasets/dataset.js"
import { readDataset } from "../datasets/read.js"
import { writeDataset } from "../datasets/write.js"
import { iou } from "../src/boxes/iou.js"
import { print } from "../src/cli/report.js"
import { UsageError } from "../src/core/errors.js"
import { type Random, seededRandom, shuffleFirst } from "../src/core/random.js"
import type { Suspect } from "../src/eval/suspects.js"
import { parseFlags } from "./flags.js"

/** A label that was spoilt; `now` is absent where it was removed. */
interface Spoilt {
  readonly image: string
  /** x1, y1, x2, y2 in image pixels. */
  readonly box: readonly number[]
  readonly was: string
  readonly now?: string
}

const { values } = parseFlags({
  options: {
    data: { type: "string" },
    split: { type: "string", default: "train" },
    labels: { type: "string", default: "20" },
    seed: { type: "string", default: "1" },
    out: { type: "string" },
    spoilt: { type: "string" },
    suspects: { type: "string" },
    first: { type: "string", default: "40" },
  },
})
if (values.data !== undefined && values.out !== undefined) await write(values.data, values.out)
else if (values.spoilt !== undefined && values.suspects !== undefined) count(values.spoilt, values.suspects)
else throw new UsageError("spoil-labels: expected --data and --out, or --spoilt and --suspects")

async function write(data: string, out: string): Promise<void> {
  const set = await readDataset(data, { split: values.split })
  const { images, spoilt } = spoil(set, Number(values.labels), seededRandom(Number(values.seed)))
  await writeDataset([{ ...set, images }], "voc", out, { link: true })
  writeFileSync(join(out, "spoilt.json"), `${JSON.stringify(spoilt, null, 2)}\n`)
  const renamed = spoilt.filter(({ now }) => now !== undefined).length
  print(`${out}: of ${set.images.length} photos' labels ${spoilt.length - renamed} were removed and ${renamed} renamed`)
}

/** Every second one is removed, the others get another class. */
function spoil(set: Dataset, most: number, random: Random): { images: ImageRecord[]; spoilt: Spoilt[] } {
  const all = set.images.flatMap(({ labels }, image) => Array.from(labels, (_, g) => ({ image, g })))
  shuffleFirst(all, most, random)
  const images = [...set.images]
  const removed = new Map<number, Set<number>>()
  const spoilt = all.slice(0, most).map(({ image, g }, i): Spoilt => {
    const { id, boxes, labels } = images[image]!
    const was = set.classes[labels[g]! - 1]!
    const what = { image: id, box: Array.from(boxes.subarray(4 * g, 4 * g + 4)), was }
    if (i % 2 === 0) {
      removed.set(image, (removed.get(image) ?? new Set()).add(g))
      return what
    }
    const label = 1 + ((labels[g]! + random.integer(set.classes.length - 1)) % set.classes.length)
    images[image] = { ...images[image]!, labels: labels.with(g, label) }
    return { ...what, now: set.classes[label - 1]! }
  })
  for (const [image, gone] of removed) images[image] = without(images[image]!, gone)
  return { images, spoilt }
}

function without(image: ImageRecord, gone: ReadonlySet<number>): ImageRecord {
  const stays = (_: number, g: number) => !gone.has(g)
  return {
    ...image,
    boxes: image.boxes.filter((_, i) => !gone.has(i >> 2)),
    labels: image.labels.filter(stays),
    crowd: image.crowd.filter(stays),
    difficult: image.difficult.filter(stays),
    areas: image.areas.filter(stays),
  }
}

function count(spoiltFile: string, evalFile: string): void {
  const spoilt = JSON.parse(readFileSync(spoiltFile, "utf8")) as Spoilt[]
  const { suspects } = JSON.parse(readFileSync(evalFile, "utf8")) as { suspects: readonly Suspect[] }
  const first = suspects.slice(0, Number(values.first))
  const found = spoilt.filter((one) => first.some((suspect) => names(suspect, one)))
  print(`${found.length} of ${spoilt.length} spoilt labels are among the first ${first.length} suspects`)
}

/** Whether a suspect is this label, for the right reason. */
function names({ kind, imageName, bbox: [x, y, width, height] }: Suspect, { image, box, now }: Spoilt): boolean {
  if (imageName !== image || (kind === "missing") !== (now === undefined)) return false
  return iou(Float64Array.of(x, y, x + width, y + height), 0, Float64Array.from(box), 0) >= 0.5
}
