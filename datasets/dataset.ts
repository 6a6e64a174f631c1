import type { CocoId } from "../src/json/coco-id.js"
import type { Photo } from "./open-sample.js"

/** One annotated image: G truths as columns, so that a whole data set stays small and is quick to copy to a worker. */
export interface ImageRecord extends Photo {
  /** The image's name in its data set: VOC's `2007_000027`, COCO's file name without ending. */
  readonly id: string
  /** COCO's id as the file has it; for other formats the position in the list, from 1. */
  readonly imageId: CocoId
  /** Absolute path of the image file; for an image that is in no file, its name. */
  readonly file: string
  /** Of the picture in which the boxes were drawn; 0 when the annotation does not tell. See `openSample`. */
  readonly width: number
  readonly height: number
  /** `[G * 4]` x1, y1, x2, y2 in image pixels, 0-based and continuous. */
  readonly boxes: Float64Array
  /** `[G]` 1..K. */
  readonly labels: Int32Array
  /** `[G]` 1 for a COCO crowd region. */
  readonly crowd: Uint8Array
  /** `[G]` 1 for a VOC difficult object. */
  readonly difficult: Uint8Array
  /** `[G]` in square pixels: COCO's `area` field (of the segment), else width * height. */
  readonly areas: Float64Array
  /** LVIS: ids of categories known to be absent. */
  readonly negative?: readonly number[]
  /** LVIS: ids of categories of which there may be more than is annotated. */
  readonly notExhaustive?: readonly number[]
}

/** What can be read from files. */
export type DatasetFormat = "voc" | "coco" | "yolo" | "imagenet" | "labelme" | "csv" | "via"

/** A data set that has been read and checked: what the trainer, the evaluator and `dataset stats` work on. */
export interface Dataset {
  /** `samples`: given from code. */
  readonly format: DatasetFormat | "samples"
  /** Where it was read from, as the user wrote it. */
  readonly source: string
  readonly split: string
  /** Names of the classes 1..K: label k is `classes[k - 1]`. */
  readonly classes: readonly string[]
  /** The data set's own id of each class: COCO's 1..90 with gaps, else 1..K. */
  readonly categoryIds: readonly CocoId[]
  /** The corners of its VOC files count from 0, and so do those of result files that go with it. */
  readonly cornersFrom?: 0
  /** `[K]` LVIS: "r" rare, "c" common, "f" frequent. */
  readonly frequencies?: readonly string[]
  readonly images: readonly ImageRecord[]
  /** What was wrong and what was done about it, in file order. */
  readonly faults: readonly Fault[]
  /** What the reader decided by itself, one line each: the years joined, the corner convention, a missing split. */
  readonly notices?: readonly string[]
  /** Whether it has no splits: whichever is asked for, all of it is given. */
  readonly undivided?: boolean
}

/** What to do about a fault: fix it (clip the box), keep it as it is, leave the object or image out, or stop. */
export type FaultPolicy = "fix" | "keep" | "skip" | "fail"

export type FaultKind =
  | "zero-area-box"
  | "box-outside-image"
  | "missing-image"
  | "unreadable-image"
  | "truncated-image"
  | "oversized-image"
  | "size-mismatch"
  | "broken-annotation"
  | "unknown-class"
  | "unknown-id"
  | "duplicate-id"
  | "unsafe-path"

/** One fault of one object of one file. */
export interface Fault {
  readonly kind: FaultKind
  /** Path of the annotation or image file, relative to the data set. */
  readonly file: string
  /** Which object of the file, from 0; absent when the whole file is meant. */
  readonly object?: number
  /** One line: what is wrong. */
  readonly message: string
  /** What was done. */
  readonly action: "fixed" | "skipped" | "kept"
}
