import type { Dataset } from "../../datasets/dataset.js"
import { sizeEdges } from "../../datasets/stats.js"
import type { ModelConfig } from "../detector/model.js"
import { bestIous, type FitImage, recallAt } from "../rpn/anchor-fit.js"
import { searchAnchors } from "../rpn/anchor-search.js"
import type { AnchorOptions } from "../rpn/anchors.js"

/** The objects to look at: `labels` are theirs, image after image. */
export interface FitObjects {
  readonly images: readonly FitImage[]
  readonly labels: readonly number[]
}

/** How well anchors fit: shares of the objects whose best anchor has at least this IoU, and the mean of the best IoUs. */
export interface Fit {
  readonly recall50: number
  readonly recall70: number
  readonly meanIou: number
}

/** How many objects have a value below `below`, and not below the row before; `null`: no limit. */
export interface Bin {
  readonly below: number | null
  readonly objects: number
}

export interface AnchorReport {
  readonly data: string
  readonly split: string
  readonly model: string
  readonly size: number
  readonly maxSize: number
  readonly images: number
  readonly objects: number
  /** Square roots of the areas in input pixels, and heights over widths. */
  readonly sides: readonly Bin[]
  readonly ratios: readonly Bin[]
  /** By COCO's limits, 32 and 96 pixels, after resizing. */
  readonly sizes: { readonly small: number; readonly medium: number; readonly large: number }
  readonly anchors: Shapes & Fit
  readonly classes: readonly ({ readonly name: string; readonly objects: number } & Fit)[]
  /** As many sizes and ratios that fit better; `null` where they would not help much. */
  readonly suggestion: (Shapes & Fit) | null
  /** Input pixels from cell to cell of the finest map, and the share of the objects that are smaller than that. */
  readonly cell: { readonly stride: number; readonly smaller: number }
  /** An input at which fewer are smaller; `null` where few are. */
  readonly larger: { readonly size: number; readonly maxSize: number; readonly smaller: number } | null
}

type Shapes = Pick<AnchorOptions, "sizes" | "ratios">

/** Other anchors are suggested when they find so much more of the objects at IoU 0.7, or fit so much better in the mean. */
const worthwhile = 0.02

/** A larger input is suggested where more than this share of the objects is smaller than a cell. */
const tolerable = 0.02

/** It is suggested up to this factor: at twice the size a step is four times the work. */
const mostEnlarged = 2

/** Heights over widths, a factor of the square root of 2 apart. */
const ratioEdges = [0.25, 0.35, 0.5, 0.71, 1, 1.41, 2, 2.83, 4, Number.POSITIVE_INFINITY]

/** How well a detector's anchors fit, and how many objects are too small for its maps. */
export type AnchorFit = Pick<AnchorReport, "anchors" | "cell" | "larger">

export function anchorFit(
  { size, maxSize, options: { anchors } }: Pick<ModelConfig, "size" | "maxSize" | "options">,
  { images }: Pick<FitObjects, "images">,
  ious: Float32Array = bestIous(images, anchors),
): AnchorFit {
  const sides = sidesOfAll(images).map(([width, height]) => Math.sqrt(width * height))
  const { stride, sizes, ratios } = anchors
  const smaller = shareBelow(sides, stride)
  return {
    anchors: { sizes, ratios, ...fitOf(ious) },
    cell: { stride, smaller },
    larger: smaller <= tolerable ? null : enlarge({ size, maxSize }, sides, stride),
  }
}

/** What a data set's boxes look like to `detector`, how its anchors fit them, and what would fit better. */
export function anchorReport(
  { source, split, classes }: Pick<Dataset, "source" | "split" | "classes">,
  detector: ModelConfig,
  { images, labels }: FitObjects,
): AnchorReport {
  const { model, size, maxSize, options } = detector
  const { anchors } = options
  const boxes = sidesOfAll(images)
  const sides = boxes.map(([width, height]) => Math.sqrt(width * height))
  const ious = bestIous(images, anchors)
  const fit = fitOf(ious)
  const better = searchAnchors(images, anchors)
  const betterFit = fitOf(bestIous(images, better))
  const gain = Math.max(betterFit.recall70 - fit.recall70, betterFit.meanIou - fit.meanIou)
  return {
    ...{ data: source, split, model, size, maxSize, images: images.length, objects: labels.length },
    sides: histogram(sides, sizeEdges),
    ratios: histogram(
      boxes.map(([width, height]) => height / width),
      ratioEdges,
    ),
    sizes: {
      small: sides.filter((side) => side < 32).length,
      medium: sides.filter((side) => side >= 32 && side < 96).length,
      large: sides.filter((side) => side >= 96).length,
    },
    ...anchorFit(detector, { images }, ious),
    classes: classes.map((name, index) => {
      const own = ious.filter((_, i) => labels[i] === index + 1)
      return { name, objects: own.length, ...fitOf(own) }
    }),
    suggestion: gain < worthwhile ? null : { sizes: better.sizes, ratios: better.ratios, ...betterFit },
  }
}

const sidesOfAll = (images: FitObjects["images"]) =>
  images.flatMap(({ boxes }) => Array.from({ length: boxes.length / 4 }, (_, i) => sidesOf(boxes, i)))

const sidesOf = (boxes: FitImage["boxes"], i: number): [width: number, height: number] => [
  boxes[4 * i + 2]! - boxes[4 * i]!,
  boxes[4 * i + 3]! - boxes[4 * i + 1]!,
]

function fitOf(ious: Float32Array): Fit {
  const sum = ious.reduce((total, value) => total + value, 0)
  return { recall50: recallAt(ious, 0.5), recall70: recallAt(ious, 0.7), meanIou: sum / ious.length }
}

function histogram(values: readonly number[], edges: readonly number[]): Bin[] {
  const counts = edges.map(() => 0)
  for (const value of values) counts[edges.findIndex((edge) => value < edge)]!++
  return edges.map((edge, i) => ({ below: Number.isFinite(edge) ? edge : null, objects: counts[i]! }))
}

function shareBelow(values: readonly number[], limit: number): number {
  return values.filter((value) => value < limit).length / values.length
}

/** The input at which no more than a tolerable share of the objects is smaller than a cell, if that is not too large. */
function enlarge({ size, maxSize }: Pick<ModelConfig, "size" | "maxSize">, sides: readonly number[], stride: number) {
  const quantile = [...sides].sort((a, b) => a - b)[Math.floor(tolerable * sides.length)]!
  const wanted = size * Math.min(mostEnlarged, stride / quantile)
  const larger = Math.ceil(wanted / 32) * 32
  const factor = larger / size
  return { size: larger, maxSize: Math.round(maxSize * factor), smaller: shareBelow(sides, stride / factor) }
}
