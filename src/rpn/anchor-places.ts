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
  sizes: readonly (readonly [number, number, number])[],
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

const countOf = ([, height, width]: readonly [number, number, number], perCell: number) => height * width * perCell

/**
 * The 3x3 cells around each of M cells, by rows.
 * @param size `[N, H, W]` of the maps
 * @param cells `[M]`
 * @param inside `[M]` 1, or 0 for a cell beyond its map, whose neighbours are all beyond it
 * @returns `[M * 9]` cells, some cell of the maps where one is beyond them, and which are inside
 */
export function neighbours(
  [, height, width]: readonly [number, number, number],
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
