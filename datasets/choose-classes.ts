import { UsageError } from "../src/core/errors.js"
import { didYouMean } from "../src/core/suggest.js"
import { categoryIdsOf } from "./classes.js"
import type { Dataset, ImageRecord } from "./dataset.js"
import { FaultLog, type FaultPolicies, withPolicies } from "./faults.js"

/** The class of all objects where they are one. */
export const everyObject = "object"

export interface ClassChoice {
  /** The classes that stay, in the data's order; all when left out. */
  readonly classes?: readonly string[] | undefined
  /** All objects that stay are of one class, `object`. */
  readonly singleClass?: boolean | undefined
}

/**
 * A data set with fewer classes: objects of the others are left out, as if nobody had annotated them; their images stay.
 * @throws UsageError for a class that is not in the data
 */
export function chooseClasses(set: Dataset, { classes = set.classes, singleClass = false }: ClassChoice): Dataset {
  const unknown = classes.find((name) => !set.classes.includes(name))
  if (unknown !== undefined) {
    throw new UsageError(
      `${set.source}: expected classes of the data, got "${unknown}".${didYouMean(unknown, set.classes)} ` +
        `They are ${set.classes.join(", ")}`,
    )
  }
  if (classes === set.classes && !singleClass) return set
  const kept = [...set.classes.keys()].filter((index) => classes.includes(set.classes[index]!))
  return withClasses(set, kept, singleClass)
}

/**
 * The same data with the classes of a detector, in the detector's order: objects of others are left out.
 * @returns undefined where a class of the detector is not among those of the data
 */
export function classesOfDetector(set: Dataset, classes: readonly string[]): Dataset | undefined {
  if (classes.join("\n") === set.classes.join("\n")) return set
  const kept = classes.map((name) => set.classes.indexOf(name))
  return kept.includes(-1) ? undefined : withClasses(set, kept, false)
}

/**
 * The same data with classes asked for, in that order, as readers give them: objects of others are faults.
 * @throws DataError when a policy says so
 */
export function asClasses(set: Dataset, classes: readonly string[], policies: Partial<FaultPolicies> = {}): Dataset {
  if (classes.join("\n") === set.classes.join("\n")) return set
  const log = new FaultLog(withPolicies(policies))
  for (const { file, labels } of set.images) {
    for (const [object, label] of labels.entries()) {
      const name = set.classes[label - 1]!
      if (classes.includes(name)) continue
      log.report("unknown-class", file, `"${name}" is not among the classes.${didYouMean(name, classes)}`, object)
    }
  }
  const kept = classes.map((name) => set.classes.indexOf(name))
  const categories = set.classes.map((name, index) => ({ name, id: set.categoryIds[index]! }))
  return {
    ...withClasses(set, kept, false),
    ...{ classes, categoryIds: categoryIdsOf(classes, categories), faults: [...set.faults, ...log.faults] },
  }
}

/** @param kept which classes stay, in their new order; -1: one that is not in the data */
function withClasses(set: Dataset, kept: readonly number[], singleClass: boolean): Dataset {
  const labelOf = Int32Array.from({ length: set.classes.length + 1 }, (_, label) =>
    singleClass ? Number(kept.includes(label - 1)) : kept.indexOf(label - 1) + 1,
  )
  const { frequencies, ...rest } = set
  return {
    ...rest,
    ...(singleClass
      ? { classes: [everyObject], categoryIds: [1] }
      : {
          classes: kept.map((index) => set.classes[index]!),
          categoryIds: kept.map((index) => set.categoryIds[index]!),
          ...(frequencies && { frequencies: kept.map((index) => frequencies[index] ?? "") }),
        }),
    images: set.images.map((image) => relabelled(image, labelOf, singleClass)),
  }
}

/** @param labelOf of each label the new one; 0 for one that goes */
function relabelled(image: ImageRecord, labelOf: Int32Array, singleClass: boolean): ImageRecord {
  const { boxes, labels, crowd, difficult, areas, negative, notExhaustive, ...rest } = image
  const kept = Int32Array.from(labels.keys()).filter((i) => labelOf[labels[i]!]! > 0)
  // What LVIS says of single categories says nothing of all objects.
  const federated = { ...(negative && { negative }), ...(notExhaustive && { notExhaustive }) }
  return {
    ...rest,
    ...(singleClass ? {} : federated),
    boxes: Float64Array.from({ length: 4 * kept.length }, (_, at) => boxes[4 * kept[Math.floor(at / 4)]! + (at % 4)]!),
    labels: kept.map((i) => labelOf[labels[i]!]!),
    crowd: Uint8Array.from(kept, (i) => crowd[i]!),
    difficult: Uint8Array.from(kept, (i) => difficult[i]!),
    areas: Float64Array.from(kept, (i) => areas[i]!),
  }
}
