import { expect, test } from "vitest"
import { presetNames } from "../../src/detector/preset-names.js"
import { recipes, scaleRecipe } from "../../src/train/recipes.js"

test("with other images a step the images seen stay as many, and the rate changes as the batch does", () => {
  const recipe = recipes["coco-1x"]!
  expect(scaleRecipe(recipe, 16)).toEqual({ steps: 90_000, drops: [60_000, 80_000], lr: 0.02, warmup: 1000 })
  expect(scaleRecipe(recipe, 2)).toEqual({ steps: 720_000, drops: [480_000, 640_000], lr: 0.0025, warmup: 8000 })
  const large = scaleRecipe(recipes["voc07+12"]!, 4)
  expect(large).toEqual({ steps: 27_500, drops: [20_000], lr: 0.004, warmup: 0 })
})

test("voc07++12 sees each image as often as voc07+12 does, as the years' images are counted", () => {
  const [joined, union] = [recipes["voc07+12"]!, recipes["voc07++12"]!]
  const epochs = joined.steps / (5011 + 11_540)
  expect(Math.abs(union.steps / (9963 + 11_540) - epochs)).toBeLessThan(0.01)
  expect(Math.abs(union.drops[0]! / union.steps - joined.drops[0]! / joined.steps)).toBeLessThan(0.001)
})

test("every recipe drops inside its length and names presets that there are", () => {
  for (const { steps, drops, preset } of Object.values(recipes)) {
    expect(drops.every((drop, i) => drop < (drops[i + 1] ?? steps))).toBe(true)
    expect(presetNames).toEqual(expect.arrayContaining([preset.c4, preset.other]))
  }
})
