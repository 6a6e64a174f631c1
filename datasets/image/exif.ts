/** Where the value of an orientation tag lies. */
export interface OrientationTag {
  readonly at: number
  readonly little: boolean
  /** TIFF's number of its type. */
  readonly type: number
}

const [BYTE, SHORT, LONG] = [1, 3, 4]

/** EXIF orientation 1..8 in a TIFF block that begins at `tiff`; undefined where it tells none. */
export function orientationOf(view: DataView, tiff: number, end: number): number | undefined {
  const tag = orientationTag(view, tiff, end)
  const value = tag && numberIn(view, tag)
  return value !== undefined && value >= 1 && value <= 8 ? value : undefined
}

function numberIn(view: DataView, { at, little, type }: OrientationTag): number | undefined {
  if (type === BYTE) return view.getUint8(at)
  if (type === SHORT) return view.getUint16(at, little)
  return type === LONG ? view.getUint32(at, little) : undefined
}

/** Writes orientation 1. */
export function clearOrientation(view: DataView, { at, little, type }: OrientationTag): void {
  if (type === BYTE) view.setUint8(at, 1)
  else if (type === LONG) view.setUint32(at, 1, little)
  else view.setUint16(at, 1, little)
}

/** Where the value of the orientation tag (0x0112) of the first image directory of a TIFF block lies. */
export function orientationTag(view: DataView, tiff: number, blockEnd: number): OrientationTag | undefined {
  for (const place of tiffTags(view, tiff, blockEnd)) if (place.tag === 0x0112) return place
  return undefined
}

/** An entry of an image directory: how many values it has, and where the four bytes for them, or for their place, lie. */
export interface TiffTag extends OrientationTag {
  readonly tag: number
  readonly count: number
}

/** The entries of the first image directory of a TIFF block, with where their values lie. */
export function* tiffTags(view: DataView, tiff: number, blockEnd: number): Generator<TiffTag, void, undefined> {
  const end = Math.min(blockEnd, view.byteLength)
  if (tiff + 8 > end) return
  const little = view.getUint16(tiff) === 0x4949
  const directory = tiff + view.getUint32(tiff + 4, little)
  if (directory + 2 > end) return
  const count = view.getUint16(directory, little)
  for (let i = 0; i < count; i++) {
    const entry = directory + 2 + 12 * i
    if (entry + 12 > end) return
    const [tag, type, number] = [
      view.getUint16(entry, little),
      view.getUint16(entry + 2, little),
      view.getUint32(entry + 4, little),
    ]
    yield { tag, type, count: number, at: entry + 8, little }
  }
}
