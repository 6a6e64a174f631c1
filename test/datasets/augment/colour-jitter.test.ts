import { readFileSync } from "node:fs"
import { expect, test } from "vitest"
import { type ColourChange, changeColours, drawColourChange } from "../../../datasets/augment/colour-jitter.js"
import { mixSeeds, seededRandom } from "../../../src/core/random.js"
import { madeUp } from "../../support/made-up.js"

interface Golden {
  readonly side: number
  readonly cases: readonly { change: keyof ColourChange; by: number; pixels: readonly number[] }[]
}

const { side, cases } = JSON.parse(readFileSync("test/golden/colours.json", "utf8")) as Golden
const values = madeUp("colours", 3 * side * side, (value) => Math.floor((value + 0.5) * 256))
const image = { data: Uint8Array.from(values), height: side, width: side }
const nothing: ColourChange = { brightness: 1, contrast: 1, saturation: 1, hue: 0, contrastFirst: true }

test.each(cases)("$change by $by is torchvision's", ({ change, by, pixels }) => {
  const { data } = changeColours(image, { ...nothing, [change]: by })
  const furthest = Math.max(...pixels.map((value, at) => Math.abs(value - data[at]!)))
  // Of a hue torchvision cuts off fractions of 255.999, others round.
  expect(furthest).toBeLessThanOrEqual(1)
  expect(data).not.toEqual(image.data)
})

test("a change of nothing changes nothing, and a picture is left as it was", () => {
  const before = image.data.slice()
  expect(changeColours(image, nothing)).toEqual(image)
  changeColours(image, { ...nothing, brightness: 0.5, hue: 0.3 })
  expect(image.data).toEqual(before)
})

test("each change is made half of the time, within its range", () => {
  const drawn = Array.from({ length: 400 }, (_, seed) => drawColourChange(seededRandom(mixSeeds(seed, 7))))
  for (const [name, none, low, high] of [
    ["brightness", 1, 0.875, 1.125],
    ["contrast", 1, 0.5, 1.5],
    ["saturation", 1, 0.5, 1.5],
    ["hue", 0, -0.05, 0.05],
  ] as const) {
    const made = drawn.map((change) => change[name]).filter((value) => value !== none)
    expect(made.length / 400).toBeGreaterThan(0.4)
    expect(made.length / 400).toBeLessThan(0.6)
    expect(Math.min(...made)).toBeGreaterThanOrEqual(low)
    expect(Math.max(...made)).toBeLessThanOrEqual(high)
    expect(Math.max(...made) - Math.min(...made)).toBeGreaterThan(0.9 * (high - low))
  }
})
