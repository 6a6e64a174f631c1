/** Left, top, right, bottom in whole pixels. */
type Area = readonly [left: number, top: number, right: number, bottom: number]

/** A label that is looking for its place. */
export interface Label {
  /** x1, y1, x2, y2 of its box. */
  readonly box: ArrayLike<number>
  readonly width: number
  readonly height: number
}

/**
 * Where each label goes: above its box, below its upper edge, below the box, or above its lower edge, the first that lies in the
 * picture and on no label that matters more; undefined for one that finds no place.
 * @param labels the one that matters most last
 */
export function placeLabels(
  labels: readonly Label[],
  size: { readonly width: number; readonly height: number },
): (readonly [left: number, top: number] | undefined)[] {
  const taken: Area[] = []
  const places = labels.map(() => undefined as readonly [number, number] | undefined)
  for (let i = labels.length - 1; i >= 0; i--) {
    const { box, width, height } = labels[i]!
    const [x1, y1, , y2] = [box[0]!, box[1]!, box[2]!, box[3]!].map(Math.round) as [number, number, number, number]
    const left = Math.min(Math.max(x1, 0), Math.max(0, size.width - width))
    const tops = [y1 - height, y1, y2, y2 - height]
    const top = tops.find(
      (at) =>
        at >= 0 && at + height <= size.height && !taken.some((one) => meet(one, [left, at, left + width, at + height])),
    )
    if (top === undefined) continue
    taken.push([left, top, left + width, top + height])
    places[i] = [left, top]
  }
  return places
}

const meet = (a: Area, b: Area) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]
