import fc from "fast-check"
import { expect, test } from "vitest"
import { selectTiled, tileWindows } from "../../src/detector/tiles.js"
import { selectCandidates, selectOptions } from "../../src/roi/select.js"

const size = (height: number, width: number) => ({ height, width })
const found = (
  ...rows: readonly (readonly [x1: number, y1: number, x2: number, y2: number, score: number, label?: number])[]
) => ({
  boxes: Float32Array.from(rows.flatMap((row) => row.slice(0, 4) as number[])),
  scores: Float32Array.from(rows, (row) => row[4]),
  labels: Int32Array.from(rows, (row) => row[5] ?? 1),
})

test("tiles cover the photo row by row, the last one ending with it", () => {
  expect(tileWindows(size(100, 180), 100, 0.2)).toEqual([
    [0, 0, 100, 100],
    [80, 0, 180, 100],
  ])
  expect(tileWindows(size(150, 150), 100, 0)).toEqual([
    [0, 0, 100, 100],
    [50, 0, 150, 100],
    [0, 50, 100, 150],
    [50, 50, 150, 150],
  ])
})

test("along a side shorter than a tile there is one, as long as the photo", () => {
  expect(tileWindows(size(60, 150), 100, 0)).toEqual([
    [0, 0, 100, 60],
    [50, 0, 150, 60],
  ])
})

test("a photo no larger than a tile has none", () => {
  expect(tileWindows(size(100, 100), 100)).toEqual([])
  expect(tileWindows(size(101, 100), 100)).toHaveLength(2)
})

test("tiles leave no pixel out, lie inside, and share what was asked for", () => {
  const side = fc.integer({ min: 1, max: 400 })
  fc.assert(
    fc.property(
      side,
      side,
      fc.integer({ min: 32, max: 120 }),
      fc.constantFrom(0, 0.2, 0.5, 0.9),
      (h, w, tile, overlap) => {
        const windows = tileWindows(size(h, w), tile, overlap)
        if (h <= tile && w <= tile) return
        for (const [x1, y1, x2, y2] of windows) {
          expect(x2 - x1).toBe(Math.min(tile, w))
          expect(y2 - y1).toBe(Math.min(tile, h))
          expect(Math.min(x1, y1, w - x2, h - y2)).toBeGreaterThanOrEqual(0)
        }
        const starts = [...new Set(windows.map(([x1]) => x1))]
        expect(starts[0]).toBe(0)
        expect(Math.max(...windows.map(([, , x2]) => x2))).toBe(w)
        for (let i = 1; i < starts.length; i++) {
          // A pixel less where the starts were rounded.
          expect(starts[i - 1]! + tile - starts[i]!).toBeGreaterThanOrEqual(Math.floor(overlap * tile) - 1)
        }
      },
    ),
  )
})

const options = selectOptions()
const photo = size(100, 200)
const left = [0, 0, 110, 100] as const
const right = [90, 0, 200, 100] as const

test("an object that two tiles and the whole photo show is found once, where it is best seen", () => {
  const whole = found([92, 40, 106, 60, 0.5])
  const tiles = [
    { window: left, found: found([93, 40, 106, 60, 0.7]) },
    { window: right, found: found([93, 40, 107, 60, 0.9]) },
  ]
  const chosen = selectTiled(whole, tiles, photo, options)
  expect([...chosen.boxes]).toEqual([93, 40, 107, 60])
})

test("what a tile's border cut stands back behind the whole object, however well it is scored", () => {
  const tiles = [{ window: left, found: found([80, 40, 110, 60, 0.95]) }]
  // The whole object is twice as long: an IoU of 0.5, which NMS would let pass.
  expect([...selectTiled(found([80, 40, 140, 60, 0.6]), tiles, photo, options).boxes]).toEqual([80, 40, 140, 60])
})

test("a cut object that nothing else shows stays, in its place by score", () => {
  const tiles = [{ window: left, found: found([80, 40, 110, 60, 0.95]) }]
  const chosen = selectTiled(found([0, 0, 20, 20, 0.6]), tiles, photo, options)
  expect([...chosen.boxes]).toEqual([80, 40, 110, 60, 0, 0, 20, 20])
})

test("of two cut parts that cover each other the better one stays; another class does not cover", () => {
  const tiles = [
    { window: left, found: found([95, 40, 110, 60, 0.5], [95, 40, 110, 60, 0.4, 2]) },
    { window: right, found: found([90, 40, 108, 60, 0.7]) },
  ]
  const chosen = selectTiled(found(), tiles, photo, options)
  expect([...chosen.labels]).toEqual([1, 2])
  expect([...chosen.boxes.subarray(0, 4)]).toEqual([90, 40, 108, 60])
})

test("an object at the photo's own border is not cut", () => {
  // Each beside a better one that covers it, but by an IoU of 0.4 only.
  const whole = found([0, 0, 50, 20, 0.9], [150, 80, 200, 100, 0.9])
  const tiles = [
    { window: left, found: found([0, 0, 20, 20, 0.5]) },
    { window: right, found: found([180, 80, 200, 100, 0.5]) },
  ]
  expect(selectTiled(whole, tiles, photo, options).scores).toHaveLength(4)
})

test("the limit counts what was cut too", () => {
  const tiles = [{ window: left, found: found([80, 40, 110, 60, 0.95]) }]
  const chosen = selectTiled(found([0, 0, 20, 20, 0.6]), tiles, photo, selectOptions({ maxDetections: 1 }))
  expect([...chosen.boxes]).toEqual([80, 40, 110, 60])
})

test("without tiles, and with empty ones, it is the ordinary choice", () => {
  const whole = found([0, 0, 20, 20, 0.6], [1, 0, 21, 20, 0.7], [50, 50, 60, 60, 0.5, 2])
  const ordinary = selectCandidates(whole, options)
  expect(selectTiled(whole, [], photo, options)).toEqual(ordinary)
  expect(selectTiled(whole, [{ window: left, found: found() }], photo, options)).toEqual(ordinary)
  expect(selectTiled(found(), [], photo, options).scores).toHaveLength(0)
})
