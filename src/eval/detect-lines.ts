import { DataError } from "../core/errors.js"
import type { ListReader } from "../json/lists.js"
import type { JsonScanner } from "../json/scanner.js"
import type { DetectionBuilder } from "./detection-builder.js"

interface Line {
  readonly image: string
  readonly detections: readonly { readonly label?: unknown; readonly classId?: unknown; score: number; box: number[] }[]
}

/**
 * Reads `detections.jsonl` of `resdet detect` into a builder: a line an image, named by its path, with labels, scores and boxes
 * x1, y1, x2, y2 in image pixels. It throws a DataError naming the line for anything else.
 * @param onUnknown is told of an image that the truths lack, which is left out then
 */
export function detectLines(builder: DetectionBuilder, source: string, onUnknown?: () => void): ListReader {
  const read = (scanner: JsonScanner, index: number) => {
    const where = `${source}: line ${index + 1}`
    const { image, detections } = expectLine(scanner.value(), where)
    if (detections.length === 0 && onUnknown === undefined) return
    const place = builder.imagePlace(image)
    if (place < 0 && onUnknown !== undefined) return onUnknown()
    for (const { label, classId, score, box } of detections) {
      const [x1, y1, x2, y2] = box as [number, number, number, number]
      const category = typeof label === "string" ? builder.named(label) : builder.categoryPlace(classId as number)
      builder.addAt(place, category, x1, y1, x2 - x1, y2 - y1, score, image)
    }
  }
  return { name: "", lines: ["image"], read }
}

function expectLine(value: unknown, where: string): Line {
  const { image, detections } = (typeof value === "object" && value !== null ? value : {}) as Partial<Line>
  if (typeof image !== "string" || !Array.isArray(detections)) {
    throw new DataError(`${where}: expected {"image": ..., "detections": [...]}, as detect writes it`)
  }
  detections.forEach((one: Partial<Line["detections"][number]>, i) => {
    const numbers = [one?.score, ...(Array.isArray(one?.box) ? one.box : [])]
    if (numbers.length !== 5 || numbers.some((number) => typeof number !== "number")) {
      throw new DataError(`${where}: expected detections[${i}] to have a score and a box of four numbers`)
    }
  })
  return { image, detections }
}
