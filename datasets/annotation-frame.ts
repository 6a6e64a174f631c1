import type { Dataset } from "./dataset.js"
import { type PhotoSize, photoSize } from "./photo-size.js"

/** How many photos are looked at. @source ours: a fraction of a second, and a set of turned photos has turned ones there */
const lookedAt = 256

/**
 * Tells whether the boxes of a data set as a whole were drawn in stored pixels, by a tool that ignores EXIF: then those of
 * photos that are turned by 180 degrees, mirrored or square were as well, of which the annotated size says nothing.
 * @returns the data set, with `frame` in its records where they are stored pixels
 */
export async function withAnnotationFrame(dataset: Dataset): Promise<Dataset> {
  const telling = dataset.images.filter(({ width, height }) => width > 0 && width !== height)
  const step = Math.max(1, telling.length / lookedAt)
  const counts = { stored: 0, upright: 0 }
  for (let at = 0; at < telling.length; at += step) {
    const { size, problems } = await photoSize(telling[Math.floor(at)]!)
    const frame = size && frameToldBy(size, problems.length === 0)
    if (frame !== undefined) counts[frame]++
  }
  if (counts.stored === 0 || counts.upright > 0) return dataset
  const notice =
    `boxes are taken as drawn in the pixels as they are stored: ${counts.stored} photos that EXIF turns were looked at, and ` +
    "the annotated sizes of all are those before turning"
  return {
    ...dataset,
    images: dataset.images.map((image) => ({ ...image, frame: "stored" as const })),
    notices: [...(dataset.notices ?? []), notice],
  }
}

/** A photo on its side tells by its annotated size in which frame that was taken. */
function frameToldBy({ orientation, frame }: PhotoSize, fits: boolean): PhotoSize["frame"] | undefined {
  if (orientation < 5) return undefined
  return frame === "stored" || fits ? frame : undefined
}
