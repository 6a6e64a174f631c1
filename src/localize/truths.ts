import type { ImageRecord } from "../../datasets/dataset.js"
import { takeBoxes } from "../boxes/clip.js"

/** The objects of one class in one picture. */
export interface ClassTruths {
  /** 1..K. */
  readonly label: number
  /** `[G * 4]` x1, y1, x2, y2. */
  readonly boxes: Float32Array
  /** `[C * 4]` where nothing counts as background: crowds, difficult objects, what a crop has cut to a rest. */
  readonly ignored: Float32Array
}

/**
 * An image's objects, class by class in ascending order: one entry for ImageNet, several for a VOC photo. A class of
 * which only crowds or difficult objects are there has no entry. Frame: image pixels.
 */
export function classTruths({ boxes, labels, crowd, difficult }: ImageRecord): ClassTruths[] {
  const all = Array.from(labels, (label, g) => ({ label, g }))
  const counts = ({ g }: { g: number }) => !crowd[g] && !difficult[g]
  const present = [...new Set(all.filter(counts).map(({ label }) => label))].sort((a, b) => a - b)
  return present.map((label) => {
    const own = all.filter((one) => one.label === label)
    const indices = (wanted: boolean) => own.filter((one) => counts(one) === wanted).map(({ g }) => g)
    return { label, boxes: takeBoxes(boxes, indices(true)), ignored: takeBoxes(boxes, indices(false)) }
  })
}
