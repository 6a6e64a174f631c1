import type { ImageRecord } from "./dataset.js"
import type { FaultLog } from "./faults.js"
import { fileHeader, uprightSize } from "./image/file-size.js"

/** One object of an annotation as a reader found it, before it is checked. */
export interface RawObject {
  /** Which object of the annotation file, from 0. */
  readonly index: number
  /** x1, y1, x2, y2 in image pixels, 0-based and continuous. */
  readonly box: readonly [number, number, number, number]
  /** 1..K */
  readonly label: number
  readonly crowd?: boolean
  readonly difficult?: boolean
  /** Square pixels; absent: width * height. */
  readonly area?: number
  /** Why the box has no area in the file's own numbers, when a convention of the format would hide it. */
  readonly empty?: string
}

/** How far a box may reach over the edge before it counts as outside: what rounding in the usual formats gives. */
const edgeTolerance = 0.05

/**
 * The record of one image: boxes are checked, clipped or left out by the policies. Where a box reaches beyond the annotated
 * size, or none is annotated, the file's header is asked: if it says otherwise, the annotation is wrong and the file's size counts.
 * @param where - the annotation file, for the faults
 * @throws DataError when a policy says so
 */
export function buildRecord(
  image: Pick<ImageRecord, "id" | "imageId" | "file" | "width" | "height">,
  objects: readonly RawObject[],
  where: string,
  log: FaultLog,
): ImageRecord {
  const size = sizeOf(image, objects, where, log)
  const kept: { object: RawObject; box: readonly number[] }[] = []
  for (const object of objects) {
    const box = checkBox(object, size.width, size.height, where, log)
    if (box !== undefined) kept.push({ object, box })
  }
  return {
    ...image,
    ...size,
    boxes: Float64Array.from(kept.flatMap(({ box }) => box)),
    labels: Int32Array.from(kept, ({ object }) => object.label),
    crowd: Uint8Array.from(kept, ({ object }) => (object.crowd ? 1 : 0)),
    difficult: Uint8Array.from(kept, ({ object }) => (object.difficult ? 1 : 0)),
    areas: Float64Array.from(kept, ({ object, box }) => object.area ?? (box[2]! - box[0]!) * (box[3]! - box[1]!)),
  }
}

type Sized = Pick<ImageRecord, "file" | "width" | "height">

/** The size that boxes are clipped to. */
function sizeOf({ file, width, height }: Sized, objects: readonly RawObject[], where: string, log: FaultLog) {
  const annotated = { width, height }
  if (width > 0 && objects.every(({ box }) => isInside(box, width, height) || !box.every(Number.isFinite)))
    return annotated
  const upright = headerSize(file)
  if (upright === undefined || (upright.width === width && upright.height === height)) return annotated
  // Drawn in the pixels as they are stored: the annotated size is theirs.
  if (upright.orientation >= 5 && upright.width === height && upright.height === width) return annotated
  const real = { width: upright.width, height: upright.height }
  if (width === 0) return real
  const message = `the file is ${real.width}x${real.height}, the annotation says ${width}x${height}, and boxes reach beyond that: the file's size counts`
  return log.report("size-mismatch", where, message) === "fixed" ? real : annotated
}

function headerSize(file: string) {
  try {
    const header = fileHeader(file)
    return header && uprightSize(header)
  } catch {
    return undefined
  }
}

/** Whether a box lies in a picture, but for what rounding gives. */
export function isInside([x1, y1, x2, y2]: Iterable<number>, width: number, height: number): boolean {
  return x1! >= -edgeTolerance && y1! >= -edgeTolerance && x2! <= width + edgeTolerance && y2! <= height + edgeTolerance
}

function checkBox(
  object: RawObject,
  width: number,
  height: number,
  where: string,
  log: FaultLog,
): readonly number[] | undefined {
  const [x1, y1, x2, y2] = object.box
  const text = `[${object.box.map((value) => Number(value.toFixed(2))).join(", ")}]`
  if (!object.box.every(Number.isFinite)) {
    log.report("broken-annotation", where, `the box ${text} is not made of four numbers`, object.index)
    return undefined
  }
  if (object.empty !== undefined || x2 <= x1 || y2 <= y1) {
    const message = object.empty ?? `the box ${text} has no area`
    const isKept = log.report("zero-area-box", where, message, object.index) === "kept"
    return isKept && x2 >= x1 && y2 >= y1 ? object.box : undefined
  }
  if (width === 0 || isInside(object.box, width, height)) return object.box
  const message = `the box ${text} reaches outside the ${width}x${height} image`
  const action = log.report("box-outside-image", where, message, object.index)
  if (action !== "fixed") return action === "kept" ? object.box : undefined
  const clipped = [Math.max(x1, 0), Math.max(y1, 0), Math.min(x2, width), Math.min(y2, height)]
  if (clipped[2]! > clipped[0]! && clipped[3]! > clipped[1]!) return clipped
  log.report("zero-area-box", where, `nothing of the box ${text} lies inside the image`, object.index)
  return undefined
}
