import { UsageError } from "../core/errors.js"
import { atLeastOne, positive, withDefaults } from "../core/options.js"

type Size = readonly [height: number, width: number]

export interface AnchorOptions {
  /** Square roots of the anchors' areas, in input pixels: on one level all on each cell, on a pyramid one a level. */
  readonly sizes: readonly number[]
  /** Height over width. */
  readonly ratios: readonly number[]
  /** Input pixels between two cells of the feature map, of the finest one in a pyramid. */
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

/** How many anchors sit on each cell, on one level or on each of `levels`. */
export function anchorsPerCell({ sizes, ratios }: AnchorOptions, levels = 1): number {
  return (sizes.length / levels) * ratios.length
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
 * @param strides down and across, where they are not the options' own
 * @returns `[height * width * A * 4]` x1, y1, x2, y2 in input pixels; may reach over the image's border
 */
export function gridAnchors(
  [height, width]: Size,
  options: AnchorOptions,
  strides: Size = [options.stride, options.stride],
): Float32Array {
  const cell = cellAnchors(options)
  const anchors = new Float32Array(height * width * cell.length)
  let at = 0
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      for (let k = 0; k < cell.length; k++)
        anchors[at++] = cell[k]! + (k % 2 === 0 ? column * strides[1] : row * strides[0])
    }
  }
  return anchors
}

/** What stands on one level: anchors of some sizes on every cell. */
export interface AnchorLevel {
  readonly options: AnchorOptions
  /** Input pixels between two cells, down and across. */
  readonly strides: Size
  readonly cells: Size
}

/**
 * How the anchors of a detector are spread: all sizes on its only level, or one size on each level of a pyramid. A
 * level's stride is the input's side by the level's, rounded down, so that a level that was rounded up stands closer.
 * @param levels `[height, width]` of each, finest first; the first has the options' stride
 * @throws UsageError for other than one size a level
 * @source torchvision `AnchorGenerator`
 */
export function anchorLevels(levels: readonly Size[], options: AnchorOptions): AnchorLevel[] {
  const { sizes, stride } = options
  const [finest] = levels
  if (levels.length === 1) return [{ options, strides: [stride, stride], cells: finest! }]
  if (sizes.length !== levels.length) {
    throw new UsageError(`expected ${levels.length} anchor sizes, one for each level, got ${sizes.join(", ")}`)
  }
  return levels.map((cells, l) => {
    const strides = [0, 1].map((axis) => Math.floor((stride * finest![axis]!) / cells[axis]!)) as [number, number]
    return { options: { ...options, sizes: [sizes[l]!] }, strides, cells }
  })
}

/**
 * The anchors of each level of a detector, spread as `anchorLevels` says.
 * @param levels `[height, width]` of each, finest first; the first has the options' stride
 * @returns one `[height * width * A * 4]` a level, as `gridAnchors`
 */
export function levelAnchors(levels: readonly Size[], options: AnchorOptions): Float32Array[] {
  return anchorLevels(levels, options).map((level) => gridAnchors(level.cells, level.options, level.strides))
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
