import type { Dataset, ImageRecord } from "../../../datasets/dataset.js"
import { PhotoFaults } from "../../../datasets/photo-faults.js"
import { withPhotoSizes } from "../../../datasets/photo-size.js"
import { tileWindows } from "../../detector/tiles.js"

/** An object counts in a tile as long as a tenth of it is there. @source SAHI `slice_coco`, min_area_ratio 0.1 */
const leastArea = 0.1

export interface TileOptions {
  /** Side of a tile, in image pixels; without it there are none. */
  readonly tiles?: number | undefined
  /** The minimum overlap of neighbouring tiles, as a share of a tile. */
  readonly overlap?: number | undefined
}

/**
 * A data set of photos and of the tiles of those that are larger than one, each tile an image of its own: what a detector
 * sees that looks at tiles beside the whole photo. Images get ids 1, 2, ...
 */
export async function tileDataset(set: Dataset, { tiles, overlap }: TileOptions): Promise<Dataset> {
  if (tiles === undefined) return set
  // What is wrong with a photo is told when it is loaded.
  const sized = await withPhotoSizes(set.images, new PhotoFaults(set.source))
  const images = sized.flatMap((image) => {
    const windows = tileWindows(image, tiles, overlap)
    return [image, ...windows.map((window) => tileOf(image, window))]
  })
  return { ...set, images: images.map((image, i) => ({ ...image, imageId: i + 1 })) }
}

function tileOf(image: ImageRecord, window: readonly [x1: number, y1: number, x2: number, y2: number]): ImageRecord {
  const [left, top, right, bottom] = window
  const boxes: number[] = []
  const kept: number[] = []
  for (let i = 0; i < image.labels.length; i++) {
    const [x1, y1, x2, y2] = image.boxes.subarray(4 * i, 4 * i + 4) as unknown as typeof window
    const part = [Math.max(x1, left), Math.max(y1, top), Math.min(x2, right), Math.min(y2, bottom)] as const
    const [width, height] = [part[2] - part[0], part[3] - part[1]]
    if (width <= 0 || height <= 0 || width * height < leastArea * (x2 - x1) * (y2 - y1)) continue
    kept.push(i)
    boxes.push(part[0] - left, part[1] - top, part[2] - left, part[3] - top)
  }
  const areas = kept.map((_, k) => (boxes[4 * k + 2]! - boxes[4 * k]!) * (boxes[4 * k + 3]! - boxes[4 * k + 1]!))
  return {
    ...image,
    id: `${image.id} ${left},${top}`,
    window,
    boxes: Float64Array.from(boxes),
    labels: Int32Array.from(kept, (i) => image.labels[i]!),
    crowd: Uint8Array.from(kept, (i) => image.crowd[i]!),
    difficult: Uint8Array.from(kept, (i) => image.difficult[i]!),
    areas: Float64Array.from(areas),
  }
}
