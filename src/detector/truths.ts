import { takeBoxes } from "../boxes/clip.js"
import type { Size } from "../core/shapes.js"

/** One image of a training batch, already resized: its true objects as columns. */
export interface TrainingImage {
  /** Of the image inside its padded input, in pixels. */
  readonly height: number
  readonly width: number
  /** `[G * 4]` x1, y1, x2, y2 in input pixels. */
  readonly boxes: Float32Array
  /** `[G]` 1..K. */
  readonly labels: Int32Array
  /** `[G]` 1 for a COCO crowd region. */
  readonly crowd: Uint8Array
  /** `[G]` 1 for a VOC difficult object. */
  readonly difficult: Uint8Array
}

/** `[height, width]` of the image inside its padded input. */
export const sizeOf = ({ height, width }: TrainingImage): Size => [height, width]

/** What training learns from an image: the objects, and the crowd regions in which nothing is background. */
export interface Truths {
  readonly boxes: Float32Array
  readonly labels: Int32Array
  readonly crowds: Float32Array
}

/**
 * Sorts an image's annotations into objects to find and crowd regions to leave alone.
 * @param difficult whether VOC's difficult objects are learned too: py-faster-rcnn leaves them out, detectron2 takes them
 */
export function trainingTruths(image: TrainingImage, difficult: "exclude" | "include"): Truths {
  const objects: number[] = []
  const crowds: number[] = []
  for (let g = 0; g < image.labels.length; g++) {
    const empty = image.boxes[4 * g + 2]! <= image.boxes[4 * g]! || image.boxes[4 * g + 3]! <= image.boxes[4 * g + 1]!
    if (empty) continue
    if (image.crowd[g]) crowds.push(g)
    else if (difficult === "include" || !image.difficult[g]) objects.push(g)
  }
  return {
    boxes: takeBoxes(image.boxes, objects),
    labels: Int32Array.from(objects, (g) => image.labels[g]!),
    crowds: takeBoxes(image.boxes, crowds),
  }
}
