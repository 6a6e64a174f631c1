/**
 * Makes data for classifiers and localizers out of photos with boxes: those whose objects are all of one class. Into a new
 * folder go `classes/{train,val}/<class>/`, a folder of classes, and `boxes/`, the same photos as a VOC folder.
 * `node dist/scripts/photo-classes.js --data VOCdevkit/VOC2012 --out one-class`
 */
import { existsSync } from "node:fs"
import { basename, join } from "node:path"
import type { Dataset } from "../datasets/dataset.js"
import { copyOrLink } from "../datasets/place-photo.js"
import { readDataset } from "../datasets/read.js"
import { writeDataset } from "../datasets/write.js"
import { print } from "../src/cli/report.js"
import { DataError, UsageError } from "../src/core/errors.js"
import { parseFlags } from "./flags.js"

const { values } = parseFlags({ options: { data: { type: "string" }, out: { type: "string" } } })
const { data, out } = values
if (data === undefined || out === undefined) throw new UsageError("photo-classes: expected --data and --out")
if (existsSync(out)) throw new DataError(`${out} exists already. Choose a folder that does not`)

const training = ofOneClass(await readDataset(data, { split: "train" }))
const validation = ofOneClass(await readDataset(data, { split: "val", classes: training.classes }))
for (const { split, classes, images } of [training, validation]) {
  const counts = classes.map(() => 0)
  for (const { file, labels } of images) {
    const label = labels[0]! - 1
    counts[label]!++
    copyOrLink(file, join(out, "classes", split, classes[label]!, basename(file)), true)
  }
  const each = classes.flatMap((name, k) => (counts[k]! > 0 ? [`${name} ${counts[k]}`] : []))
  print(`${split}: ${images.length} photos: ${each.join(", ")}`)
}
await writeDataset([training, validation], "voc", join(out, "boxes"), { link: true })

function ofOneClass(set: Dataset): Dataset {
  return { ...set, images: set.images.filter(({ labels }) => new Set(labels).size === 1) }
}
