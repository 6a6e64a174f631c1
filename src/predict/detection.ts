import type { Detections } from "../boxes/boxes.js"

/** One object that was found. */
export interface Detection {
  /** The class's name. */
  readonly label: string
  /** 1..K: the class's place among the detector's classes. */
  readonly classId: number
  /** 0..1. */
  readonly score: number
  /** x1, y1, x2, y2 in pixels of the image file (upright), 0-based, the width being x2 - x1. */
  readonly box: readonly [number, number, number, number]
}

/** What was found in one image, best score first. */
export interface ImageDetections {
  readonly width: number
  readonly height: number
  readonly detections: readonly Detection[]
}

/** Detections as plain objects. @param classes names of the classes 1..K */
export function plainDetections({ boxes, scores, labels }: Detections, classes: readonly string[]): Detection[] {
  return Array.from(scores, (score, d) => {
    const classId = labels[d]!
    const [x1, y1, x2, y2] = boxes.subarray(d * 4, d * 4 + 4)
    return { label: classes[classId - 1]!, classId, score, box: [x1!, y1!, x2!, y2!] }
  })
}
