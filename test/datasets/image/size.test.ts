import { readFileSync } from "node:fs"
import fc from "fast-check"
import { expect, test } from "vitest"
import { inputSize, padTo } from "../../../datasets/image/size.js"
import type { SizeRule } from "../../../src/core/size-rule.js"

test("the shorter side gets its size, the longer follows, rounded down", () => {
  expect(inputSize(480, 640, { size: 400, maxSize: 1000 })).toEqual({
    height: 400,
    width: 533,
    scaleY: 400 / 480,
    scaleX: 533 / 640,
  })
})

test("the longer side stops at the most it may have", () => {
  expect(inputSize(300, 1000, { size: 600, maxSize: 1000 })).toMatchObject({ height: 300, width: 1000 })
})

test("one side is always exactly what was asked for, and neither is more", () => {
  const side = fc.integer({ min: 1, max: 5000 })
  fc.assert(
    fc.property(
      side,
      side,
      fc.integer({ min: 1, max: 1500 }),
      fc.integer({ min: 1, max: 2000 }),
      (h, w, size, maxSize) => {
        const { height, width } = inputSize(h, w, { size, maxSize })
        const [short, long] = [Math.min(height, width), Math.max(height, width)]
        return (short === size && long <= Math.max(maxSize, size)) || long === maxSize
      },
    ),
  )
})

test("a length is padded to the next multiple", () => {
  expect([padTo(533, 32), padTo(544, 32), padTo(0, 32)]).toEqual([544, 544, 0])
})

interface SizeCase extends Readonly<Record<Exclude<SizeRule, "exact">, readonly [number, number]>> {
  readonly photo: readonly [height: number, width: number]
  readonly goal: readonly [size: number, maxSize: number]
}

test.each(["torchvision", "detectron2", "paper"] as const)("the rule %s gives its family's sizes", (sizeRule) => {
  const { cases } = JSON.parse(readFileSync("test/golden/sizes.json", "utf8")) as { cases: readonly SizeCase[] }
  const found = cases.map(({ photo: [h, w], goal: [size, maxSize] }) => {
    const { height, width } = inputSize(h, w, { size, maxSize, sizeRule })
    return [height, width]
  })
  expect(found).toEqual(cases.map((one) => one[sizeRule]))
  expect(cases.length).toBeGreaterThan(100)
})
