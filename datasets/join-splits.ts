import { DataError } from "../src/core/errors.js"
import { type CocoId, compareIds, idKey } from "../src/json/coco-id.js"
import { orderClasses } from "./classes.js"
import type { Dataset, ImageRecord } from "./dataset.js"
import { FaultLog, type FaultPolicies, withPolicies } from "./faults.js"
import { nameInside } from "./folder.js"

/**
 * Splits of one data set as one, in the order given. Labels are those of all their classes together. An image that is in
 * two of them counts once; ids that mean different images are told apart.
 * @throws DataError when the splits give one class two category ids, or a policy says so
 */
export function joinSplits(parts: readonly Dataset[], policies: Partial<FaultPolicies> = {}): Dataset {
  const { format, source } = parts[0]!
  const categories = joinCategories(parts)
  const classes = categories.map(([name]) => name)
  const labelOf = new Map(classes.map((name, index) => [name, index + 1]))
  const log = new FaultLog(withPolicies(policies))
  const splitOf = new Map<string, string>()
  const ids = new Set<string>()
  const images: ImageRecord[] = []
  for (const { images: own, classes: ownClasses, split } of parts) {
    for (const image of own) {
      const other = splitOf.get(image.file)
      if (other !== undefined) {
        log.report("duplicate-id", nameInside(source, image.file), `the image is in ${other} and in ${split}`)
        continue
      }
      splitOf.set(image.file, split)
      const id = ids.has(image.id) ? `${split}/${image.id}` : image.id
      ids.add(id)
      images.push({ ...image, id, labels: image.labels.map((label) => labelOf.get(ownClasses[label - 1]!)!) })
    }
  }
  const notices = [...new Set(parts.flatMap(({ notices: own }) => own ?? []))]
  const isNumbered = format === "coco" && new Set(images.map(({ imageId }) => idKey(imageId))).size === images.length
  if (format === "coco" && !isNumbered)
    notices.push("the same image id means different images in different splits: images are renumbered")
  return {
    format,
    source,
    split: parts.map(({ split }) => split).join("+"),
    classes,
    categoryIds: isNumberedHere(format) ? classes.map((_, index) => index + 1) : categories.map(([, id]) => id),
    images: isNumbered ? images : images.map((image, index) => ({ ...image, imageId: index + 1 })),
    ...(parts.every(({ cornersFrom }) => cornersFrom === 0) && { cornersFrom: 0 }),
    faults: [...parts.flatMap(({ faults }) => faults), ...log.faults],
    notices,
  }
}

/** Whether category ids are no more than the order of the classes that were found. */
const isNumberedHere = (format: Dataset["format"]) => format !== "coco" && format !== "yolo"

/** Name and category id of each class: found ones in their readers' order, listed ones by their ids. */
function joinCategories(parts: readonly Dataset[]): (readonly [name: string, id: CocoId])[] {
  const [{ classes, categoryIds, format, source }] = parts as [Dataset, ...Dataset[]]
  if (
    parts.every((part) => String(part.classes) === String(classes) && String(part.categoryIds) === String(categoryIds))
  )
    return classes.map((name, index) => [name, categoryIds[index]!])
  const ids = new Map<string, CocoId>()
  if (isNumberedHere(format))
    return orderClasses(parts.flatMap((part) => part.classes)).map((name, index) => [name, index + 1])
  for (const part of parts)
    for (const [index, name] of part.classes.entries()) {
      const id = part.categoryIds[index]!
      const known = ids.get(name)
      if (known !== undefined && known !== id) {
        throw new DataError(`${source}: "${name}" is category ${known} in one split and ${id} in ${part.split}`)
      }
      ids.set(name, id)
    }
  return [...ids].sort(([, a], [, b]) => compareIds(a, b))
}
