import type { ImageRecord } from "../dataset.js"
import type { SceneObjects } from "./augmented.js"
import type { PlacedPhoto } from "./detection-inputs.js"

/** The truths of one image as the model meets them. */
export interface InputTruths {
  /** `[G * 4]` x1, y1, x2, y2 in input pixels. */
  readonly boxes: Float32Array
  /** `[G]` 1..K */
  readonly labels: Int32Array
  /** `[G]` 1 for a COCO crowd region. */
  readonly crowd: Uint8Array
  /** `[G]` 1 for a VOC difficult object. */
  readonly difficult: Uint8Array
}

/** Objects as columns, boxes in pixels of the picture in which they are. */
type Truths = Pick<ImageRecord, "boxes" | "labels" | "crowd" | "difficult">

/** What is annotated of the objects of an augmented image. @param records the image, then its partners */
export function sceneTruths({ boxes, photos, indices }: SceneObjects, records: readonly ImageRecord[]): Truths {
  const each = <Value>(of: (record: ImageRecord, index: number) => Value) =>
    Array.from(photos, (photo, i) => of(records[photo]!, indices[i]!))
  return {
    boxes,
    labels: Int32Array.from(each(({ labels }, index) => labels[index]!)),
    crowd: Uint8Array.from(each(({ crowd }, index) => crowd[index]!)),
    difficult: Uint8Array.from(each(({ difficult }, index) => difficult[index]!)),
  }
}

/**
 * Brings the truths of `record` (image pixels) to the resized, perhaps mirrored image (input pixels). What lies outside
 * a file that is smaller than its annotation says is clipped or left out.
 */
export function placeTruths(record: Truths, sample: PlacedPhoto, flip: boolean): InputTruths {
  const scaleY = sample.height / sample.imageHeight
  const scaleX = sample.width / sample.imageWidth
  const kept: number[] = []
  const boxes: number[] = []
  for (let i = 0; i < record.labels.length; i++) {
    const x1 = Math.max(0, record.boxes[4 * i]! * scaleX)
    const y1 = Math.max(0, record.boxes[4 * i + 1]! * scaleY)
    const x2 = Math.min(sample.width, record.boxes[4 * i + 2]! * scaleX)
    const y2 = Math.min(sample.height, record.boxes[4 * i + 3]! * scaleY)
    if (x2 <= x1 || y2 <= y1) continue
    kept.push(i)
    if (flip) boxes.push(sample.width - x2, y1, sample.width - x1, y2)
    else boxes.push(x1, y1, x2, y2)
  }
  return {
    boxes: Float32Array.from(boxes),
    labels: Int32Array.from(kept, (i) => record.labels[i]!),
    crowd: Uint8Array.from(kept, (i) => record.crowd[i]!),
    difficult: Uint8Array.from(kept, (i) => record.difficult[i]!),
  }
}
