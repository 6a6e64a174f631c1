import type { Dataset } from "./dataset.js"
import { formatFault } from "./faults.js"
import type { LabelledSet } from "./labelled-set.js"

/** Why nothing can be learned from a split: no images, or none with an object; undefined where there are some. */
export function emptiness({ source, split, images, faults, notices = [] }: Dataset): string | undefined {
  if (images.some(({ labels }) => labels.length > 0)) return undefined
  const what = images.length === 0 ? "no images" : `no objects: none of ${images.length} images has one`
  const [fault] = faults
  const cause = notices.find((line) => line.startsWith("0 of "))
  const first = fault && `the first of ${faults.length} faults is ${formatFault(fault)}`
  const why = cause ?? first
  return `${source}: split ${split} has ${what}${why === undefined ? "" : `; ${why}`}`
}

/** Why a classifier cannot learn anything from a set: it has one class only; undefined where there are more. */
export function lackOfClasses({ source, classes: [name, ...others] }: LabelledSet): string | undefined {
  if (others.length > 0) return undefined
  return `${source}: has one class only, "${name}". A classifier needs two at least: add images of another class`
}
