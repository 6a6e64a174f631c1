import { closeSync, constants, fstatSync, openSync, readSync, statSync, truncateSync } from "node:fs"
import { open } from "node:fs/promises"
import { isAbsolute } from "node:path"
import { withoutEnding } from "../../datasets/folder.js"
import { DataError } from "../core/errors.js"
import { shown } from "../core/shown.js"
import { WriteError, writeFully } from "../core/write-whole.js"
import type { ImageDetections } from "./detection.js"
import { shortNumber } from "./short-number.js"
import type { SourceImage } from "./source-image.js"

/** What the log tells of one image: what was found in it, or why it could not be read. */
export type LoggedImage = Pick<SourceImage, "path" | "stem" | "frame" | "time"> &
  ((ImageDetections & { readonly error?: never }) | { readonly error: string })

/** The name of the log in a folder of results. */
export const logName = "detections.jsonl"

/**
 * `detections.jsonl`: one JSON document a line, one line an image in the order of the source, boxes in image pixels. A line is
 * written when its image is done: whoever is killed has lost the image at hand. An image that could not be read has its `error`, and
 * no detections.
 */
export class DetectionLog implements Disposable {
  readonly #path: string
  readonly #file: number

  /**
   * @param path of the log; it is continued where it is there
   * @throws WriteError where it cannot be written, or is a link
   */
  constructor(path: string) {
    const { O_APPEND, O_CREAT, O_WRONLY, O_NOFOLLOW = 0 } = constants
    this.#path = path
    try {
      this.#file = openSync(path, O_APPEND | O_CREAT | O_WRONLY | O_NOFOLLOW, 0o666)
    } catch (error) {
      throw new WriteError(path, error)
    }
  }

  /** @throws WriteError where the disk is full; half a line may then be there */
  write(image: LoggedImage): void {
    try {
      writeFully(this.#file, Buffer.from(`${logLine(image)}\n`))
    } catch (error) {
      throw new WriteError(this.#path, error)
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#file)
  }
}

/** The line of an image, without its end. */
export const logLine = (image: LoggedImage): string => JSON.stringify(documentOf(image))

function documentOf(logged: LoggedImage): object {
  const { path, stem, frame, time } = logged
  // The name that output has for an image is told where it does not follow from its path.
  const name = {
    image: path,
    ...(stem !== withoutEnding(path) && { stem }),
    ...(frame !== undefined && { frame, time }),
  }
  if (logged.error !== undefined) return { ...name, error: logged.error, detections: [] }
  const { width, height, detections } = logged
  const short = detections.map(({ label, classId, score, box }) => ({
    label,
    classId,
    score: shortNumber(score),
    box: box.map(shortNumber),
  }))
  return { ...name, width, height, detections: short }
}

/**
 * The images of a log, one after the other. Scores and boxes are the float32 that were written.
 * @param classes of the detector that wrote it: K names
 * @throws DataError for a line that is none of ours
 */
export async function* readDetectionLog(path: string, classes: readonly string[]): AsyncGenerator<LoggedImage> {
  const file = await open(path)
  try {
    let number = 0
    for await (const line of file.readLines()) {
      number++
      yield parse(line, classes, `${path}, line ${number}`)
    }
  } finally {
    await file.close()
  }
}

function parse(line: string, classes: readonly string[], where: string): LoggedImage {
  const refuse = (why: string): never => {
    throw new DataError(`${where}: ${why}`)
  }
  let value: Readonly<Record<string, unknown>> | null = null
  try {
    value = JSON.parse(line)
  } catch (error) {
    refuse((error as Error).message)
  }
  const { image, stem, frame, time, error, width, height, detections } = value ?? {}
  if (typeof image !== "string" || !Array.isArray(detections)) return refuse("expected an image and its detections")
  const place = typeof frame === "number" && typeof time === "number" ? { frame, time } : {}
  const name = { path: image, stem: typeof stem === "string" ? stem : withoutEnding(image), ...place }
  // Files are named after it.
  if (isAbsolute(name.stem) || /(^|[\\/])\.\.([\\/]|$)|\0/.test(name.stem)) {
    return refuse(`expected a name inside the folder, got "${shown(name.stem)}"`)
  }
  if (typeof error === "string") return { ...name, error }
  if (!isSide(width) || !isSide(height)) return refuse("expected the image's width and height")
  if (!detections.every(isLogged)) return refuse("expected each detection's label, classId, score and box")
  const other = detections.find(({ label, classId }) => classes[classId - 1] !== label)
  if (other !== undefined) return refuse(`"${shown(other.label)}" is not class ${other.classId} of detect.json`)
  return { ...name, width, height, detections: detections.map(exact) }
}

const isSide = (value: unknown): value is number => Number.isInteger(value) && (value as number) > 0

type Logged = ImageDetections["detections"][number]

function isLogged(value: unknown): value is Logged {
  const { label, classId, score, box } = (value ?? {}) as Record<string, unknown>
  const numbers = [classId, score, ...(Array.isArray(box) ? box : [])]
  return typeof label === "string" && numbers.length === 6 && numbers.every(Number.isFinite)
}

function exact({ label, classId, score, box: [x1, y1, x2, y2] }: Logged): Logged {
  const { fround } = Math
  return { label, classId, score: fround(score), box: [fround(x1), fround(y1), fround(x2), fround(y2)] }
}

/** Cuts off the half line that a killed run leaves behind. */
export function cutHalfLine(path: string): void {
  const { size } = statSync(path)
  const end = endOfLines(path)
  if (end < size) truncateSync(path, end)
}

/** Where the last whole line ends; read from the end, as the log may be large. */
function endOfLines(path: string): number {
  const file = openSync(path, "r")
  try {
    const chunk = Buffer.alloc(1 << 16)
    for (let end = fstatSync(file).size; end > 0; ) {
      const start = Math.max(0, end - chunk.length)
      readSync(file, chunk, 0, end - start, start)
      const newline = chunk.subarray(0, end - start).lastIndexOf(10)
      if (newline >= 0) return start + newline + 1
      end = start
    }
    return 0
  } finally {
    closeSync(file)
  }
}
