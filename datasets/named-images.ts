import { didYouMean } from "../src/core/suggest.js"
import { labelsByName, orderClasses } from "./classes.js"
import type { Dataset, DatasetFormat, ImageRecord } from "./dataset.js"
import type { FaultLog } from "./faults.js"
import type { Photo } from "./open-sample.js"
import type { ReadOptions } from "./options.js"
import { buildRecord } from "./record.js"

/** An image whose objects have the names of their classes, as label tools that keep no list of classes write them. */
export interface NamedObjects {
  readonly id: string
  readonly file: string
  /** Where the pixels are when not in `file`. */
  readonly image?: Photo["image"]
  /** 0 where the annotation does not tell. */
  readonly width: number
  readonly height: number
  /** The annotation file, as faults name it. */
  readonly where: string
  readonly objects: readonly NamedObject[]
}

export interface NamedObject {
  readonly index: number
  readonly name: string
  readonly box: readonly [number, number, number, number]
  readonly difficult?: boolean
  readonly crowd?: boolean
}

/** The data set of such images. Classes are those asked for, those that the data list, else the names found. */
export function namedDataset(
  images: readonly NamedObjects[],
  {
    format,
    source,
    split,
    notices,
    undivided,
    listed,
    ids,
  }: Pick<Dataset, "source" | "split" | "notices"> & {
    readonly format: DatasetFormat
    readonly undivided: boolean
    readonly listed?: readonly string[]
    /** The data's own ids of classes by their names; others get their number. */
    readonly ids?: ReadonlyMap<string, string>
  },
  options: ReadOptions,
  log: FaultLog,
): Dataset {
  const found = images.flatMap(({ objects }) => objects.map(({ name }) => name))
  const classes = options.classes ?? listed ?? orderClasses(found)
  const labels = labelsByName(classes)
  const records: ImageRecord[] = images.map(({ id, file, image, width, height, where, objects }, i) => {
    const raw = objects.flatMap(({ name, ...object }) => {
      const label = labels.get(name)
      if (label !== undefined) return [{ ...object, label }]
      log.report(
        "unknown-class",
        where,
        `"${name}" is not among the classes.${didYouMean(name, classes)}`,
        object.index,
      )
      return []
    })
    const record = buildRecord({ id, imageId: i + 1, file, width, height }, raw, where, log)
    return image === undefined ? record : { ...record, image }
  })
  const categoryIds = classes.map((name, index) => ids?.get(name) ?? index + 1)
  return {
    ...{ format, source, split, classes, categoryIds, images: records, faults: log.faults },
    ...(notices && { notices }),
    ...(undivided && { undivided }),
  }
}
