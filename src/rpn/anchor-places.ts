/** Of one level. */
export type MapSizes = readonly [images: number, height: number, width: number]

/** Anchors of one level: where they are in it, and in the list they come from. */
export interface LevelPlaces {
  /** Of each anchor's cell, over all images' maps: `(n * H + y) * W + x`. */
  readonly cells: Int32Array
  /** Which of its cell's anchors. */
  readonly anchors: Int32Array
  /** Its place in the list. */
  readonly order: Int32Array
}

/**
 * Sorts anchors by their levels.
 * @param sizes `[N, H, W]` of each level
 * @param perCell A, anchors at one cell
 * @param sampled `[S]` of each of the N images: indices as in `RpnOutputs`, level by level, by rows, columns, anchors of a cell
 */
export function anchorPlaces(
  sizes: readonly MapSizes[],
  perCell: number,
  sampled: readonly (readonly number[])[],
): LevelPlaces[] {
  const levels = sizes.map(() => ({ cells: [] as number[], anchors: [] as number[], order: [] as number[] }))
  let place = 0
  for (const [image, own] of sampled.entries()) {
    for (const index of own) {
      let [level, within] = [0, index]
      for (; within >= countOf(sizes[level]!, perCell); level++) within -= countOf(sizes[level]!, perCell)
      const [, height, width] = sizes[level]!
      levels[level]!.cells.push(image * height * width + Math.floor(within / perCell))
      levels[level]!.anchors.push(within % perCell)
      levels[level]!.order.push(place++)
    }
  }
  return levels.map(({ cells, anchors, order }) => {
    return { cells: Int32Array.from(cells), anchors: Int32Array.from(anchors), order: Int32Array.from(order) }
  })
}

const countOf = ([, height, width]: MapSizes, perCell: number) => height * width * perCell

/**
 * The 3x3 cells around each of M cells, by rows.
 * @param size `[N, H, W]` of the maps
 * @param cells `[M]`
 * @param inside `[M]` 1, or 0 for a cell beyond its map, whose neighbours are all beyond it
 * @returns `[M * 9]` cells, some cell of the maps where one is beyond them, and which are inside
 */
export function neighbours(
  [, height, width]: MapSizes,
  cells: Int32Array,
  inside: Float32Array,
): { cells: Int32Array; inside: Float32Array } {
  const around = { cells: new Int32Array(9 * cells.length), inside: new Float32Array(9 * cells.length) }
  let at = 0
  for (const [m, cell] of cells.entries()) {
    const [x, y] = [cell % width, Math.floor(cell / width) % height]
    for (let dy = -1; dy <= 1; dy++) {
      for (let dx = -1; dx <= 1; dx++, at++) {
        if (!inside[m] || y + dy < 0 || y + dy >= height || x + dx < 0 || x + dx >= width) continue
        around.cells[at] = cell + dy * width + dx
        around.inside[at] = 1
      }
    }
  }
  return around
}

/** Rows of maps, cell by cell. */
interface Cells {
  /** `[M]`; 0 where the cell is in other maps, or beyond its own. */
  readonly cells: Int32Array
  /** `[M]` 1 for a cell of these maps. */
  readonly counts: Float32Array
}

/** What `depth` 3x3 convolutions see of S anchors' cells. */
export interface AnchorPatches {
  /** The `9^depth` cells around each, in the finest maps, and in the others one behind the other. */
  readonly finest: Cells
  readonly others: Cells
  /** Between two convolutions, from the first on: `[S * 9^n]` 1 for a cell that is within its map. */
  readonly inside: readonly Float32Array[]
  /** `[S]` which of its cell's anchors. */
  readonly anchors: Int32Array
}

/**
 * The cells that some anchors' outputs depend on, in the anchors' order.
 * @param sizes of the levels, finest first
 * @param perCell A, anchors at one cell
 * @param sampled `[S]` of each of the N images, as in `anchorPlaces`
 */
export function anchorPatches(
  sizes: readonly MapSizes[],
  perCell: number,
  sampled: readonly (readonly number[])[],
  depth: number,
): AnchorPatches {
  const count = sampled.reduce((sum, own) => sum + own.length, 0)
  const none = (times: number): Cells => ({ cells: new Int32Array(times), counts: new Float32Array(times) })
  const [finest, others] = [none(count * 9 ** depth), none(count * 9 ** depth)]
  const inside = Array.from({ length: depth - 1 }, (_, n) => new Float32Array(count * 9 ** (depth - 1 - n)))
  const anchors = new Int32Array(count)
  let start = 0
  for (const [level, places] of anchorPlaces(sizes, perCell, sampled).entries()) {
    const [images, height, width] = sizes[level]!
    let around: { cells: Int32Array; inside: Float32Array } = {
      cells: places.cells,
      inside: new Float32Array(places.cells.length).fill(1),
    }
    for (let n = depth - 1; n >= 0; n--) {
      around = neighbours(sizes[level]!, around.cells, around.inside)
      if (n > 0) spread(around.inside, inside[n - 1]!, places.order)
    }
    const to = level === 0 ? finest : others
    spread(around.inside, to.counts, places.order)
    spread(
      around.cells.map((cell, i) => (around.inside[i] ? start + cell : 0)),
      to.cells,
      places.order,
    )
    for (const [i, place] of places.order.entries()) anchors[place] = places.anchors[i]!
    start = level === 0 ? 0 : start + images * height * width
  }
  return { finest, others, inside, anchors }
}

/** Puts equal parts of `values` where they belong. */
function spread<Values extends Int32Array | Float32Array>(values: Values, to: Values, places: Int32Array): void {
  const size = to.length === 0 ? 0 : values.length / places.length
  for (const [i, place] of places.entries()) to.set(values.subarray(i * size, (i + 1) * size), place * size)
}
