/** x, y, width, height. */
type Extent = [x: number, y: number, width: number, height: number]

/**
 * The box around a COCO `segmentation`: polygons in any nesting of their coordinates, or a mask as run lengths, which
 * may be compressed. Undefined for anything else, and for one that holds nothing.
 * @param value as `JSON.parse` gives it
 * @source pycocotools: loadRes gives results that have a segmentation alone the box of their mask
 */
export function outlineExtent(value: unknown): Extent | undefined {
  if (Array.isArray(value)) return polygonExtent(value.every((one) => typeof one === "number") ? [value] : value)
  const { size, counts } = (value ?? {}) as { size?: unknown; counts?: unknown }
  if (!Array.isArray(size) || !(size[0] > 0)) return undefined
  const runs = typeof counts === "string" ? runsOf(counts) : counts
  return Array.isArray(runs) ? maskExtent(runs, size[0]) : undefined
}

function polygonExtent(polygons: readonly unknown[]): Extent | undefined {
  let [left, top, right, bottom] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, -1 / 0, -1 / 0]
  for (const polygon of polygons) {
    if (!Array.isArray(polygon) || polygon.length % 2 !== 0 || !polygon.every(Number.isFinite)) return undefined
    for (let i = 0; i < polygon.length; i += 2) {
      left = Math.min(left, polygon[i])
      right = Math.max(right, polygon[i])
      top = Math.min(top, polygon[i + 1])
      bottom = Math.max(bottom, polygon[i + 1])
    }
  }
  return right >= left ? [left, top, right - left, bottom - top] : undefined
}

/** @param runs how many pixels are outside and inside in turn, down the columns */
function maskExtent(runs: readonly unknown[], height: number): Extent | undefined {
  let [left, top, right, bottom] = [Number.POSITIVE_INFINITY, height, -1, -1]
  let at = 0
  for (const [i, run] of runs.entries()) {
    if (!Number.isSafeInteger(run) || (run as number) < 0) return undefined
    const end = at + (run as number)
    if (i % 2 === 1 && end > at) {
      const [first, last] = [Math.floor(at / height), Math.floor((end - 1) / height)]
      left = Math.min(left, first)
      right = Math.max(right, last)
      top = Math.min(top, last > first ? 0 : at % height)
      bottom = Math.max(bottom, last > first ? height - 1 : (end - 1) % height)
    }
    at = end
  }
  return right >= left ? [left, top, right - left + 1, bottom - top + 1] : undefined
}

/**
 * Run lengths out of their compressed form: five bits a letter from "0" on, the lowest first, the sixth says that more
 * follow; from the fourth on the difference to the one before the last.
 * @source pycocotools: common/maskApi.c, rleFrString
 */
function runsOf(text: string): number[] {
  const runs: number[] = []
  let [value, shift] = [0, 0]
  for (const letter of text) {
    const bits = letter.charCodeAt(0) - 48
    value |= (bits & 31) << shift
    shift += 5
    if ((bits & 32) !== 0) continue
    const isNegative = (bits & 16) !== 0
    const signed = isNegative ? value | (-1 << shift) : value
    runs.push(runs.length > 2 ? signed + runs.at(-2)! : signed)
    value = 0
    shift = 0
  }
  return runs
}

/** A line for records that have an outline instead of a box. */
export function outlineNotice(source: string, count: number, records: string): string {
  return `${source}: ${count} ${records} have a segmentation and no bbox: the box around it counts`
}
