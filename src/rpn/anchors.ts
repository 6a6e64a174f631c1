import { atLeastOne, positive, withDefaults } from "../tensor/options.js"

export interface AnchorOptions {
  /** Square roots of the anchors' areas, in input pixels. */
  readonly sizes: readonly number[]
  /** Height over width. */
  readonly ratios: readonly number[]
  /** Input pixels between two cells of the feature map. */
  readonly stride: number
}

/**
 * Five sizes and three ratios on conv4 (stride 16).
 * @source Detectron and detectron2 C4 configurations: sizes 32..512, ratios 0.5, 1, 2. The Faster R-CNN paper itself has
 * 128, 256, 512, and 64 more on COCO.
 */
export const anchorDefaults: AnchorOptions = { sizes: [32, 64, 128, 256, 512], ratios: [0.5, 1, 2], stride: 16 }

/** @throws UsageError for an unknown option or a stride below 1 */
export const anchorOptions = (overrides: Partial<AnchorOptions> = {}): AnchorOptions =>
  withDefaults("anchorOptions", anchorDefaults, overrides, { stride: atLeastOne, sizes: all, ratios: all })

/** How many anchors sit on each cell. */
export function anchorsPerCell({ sizes, ratios }: AnchorOptions): number {
  return sizes.length * ratios.length
}

/**
 * The anchors of a cell at the origin: `[A * 4]`, ratio by ratio, within each the sizes in order, corners rounded to
 * whole pixels.
 * @source torchvision `AnchorGenerator.generate_anchors`, whose rounding to even this keeps
 */
export function cellAnchors({ sizes, ratios }: AnchorOptions): Float32Array {
  const halves = ratios.flatMap((ratio) =>
    sizes.map((size) => [size / Math.sqrt(ratio) / 2, (size * Math.sqrt(ratio)) / 2] as const),
  )
  return Float32Array.from(halves.flatMap(([x, y]) => [-x, -y, x, y].map(roundToEven)))
}

/**
 * All anchors of a feature map `[height, width]`, in the order of the RPN's outputs: rows, columns, anchors of a cell.
 * @returns `[height * width * A * 4]` x1, y1, x2, y2 in input pixels; may reach over the image's border
 */
export function gridAnchors([height, width]: readonly [number, number], options: AnchorOptions): Float32Array {
  const cell = cellAnchors(options)
  const anchors = new Float32Array(height * width * cell.length)
  let at = 0
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      for (let k = 0; k < cell.length; k++) anchors[at++] = cell[k]! + options.stride * (k % 2 === 0 ? column : row)
    }
  }
  return anchors
}

function all(values: unknown): string | undefined {
  const fits = Array.isArray(values) && values.length > 0 && values.every((value) => positive(value) === undefined)
  return fits ? undefined : "one or more numbers above 0"
}

function roundToEven(value: number): number {
  const floor = Math.floor(value)
  if (value - floor !== 0.5) return Math.round(value)
  return floor % 2 === 0 ? floor : floor + 1
}
