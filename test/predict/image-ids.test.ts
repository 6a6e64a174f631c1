import { expect, test } from "vitest"
import { imageIdsByName } from "../../src/predict/image-ids.js"
import { uniqueStems } from "../../src/predict/unique-stems.js"

async function idsOf(...stems: string[]) {
  const named = stems.map((stem) => ({ path: `${stem}.jpg`, stem }))
  return idsOfNamed(named)
}

async function idsOfNamed(named: readonly { readonly path: string; readonly stem: string }[]) {
  async function* images() {
    yield* named
  }
  const ids = await imageIdsByName(images())
  return [ids.from, ...named.map((image, i) => ids.idOf(image, i))]
}

test.each([
  ["numbers, with or without leading zeros", ["000139", "sub/7", "8"], [139, 7, 8]],
  ["COCO's names of 2014 and 2017", ["COCO_val2014_000000000042", "000000000139"], [42, 139]],
  ["the last number of a name", ["cam2 frame 10 left", "cam2 frame 11 left"], [10, 11]],
])("%s are ids", async (_, stems, ids) => {
  expect(await idsOf(...stems)).toEqual(["names", ...ids])
})

test.each([
  ["a name without a number", ["1", "a"]],
  ["a number twice", ["1", "sub/1"]],
  ["one number written in two ways", ["1", "01"]],
  ["a number too long to be exact", ["90071992547409930", "2"]],
])("with %s, places are ids", async (_, stems) => {
  expect(await idsOf(...stems)).toEqual(["places", 1, 2])
})

test("an image that is listed twice has no other image's id", async () => {
  const paths = ["0.jpg", "1.jpg", "0.jpg"]
  const stems = uniqueStems(paths)
  expect(stems).toEqual(["0.jpg", "1", "0.jpg-2"])
  expect(await idsOfNamed(paths.map((path, i) => ({ path, stem: stems[i]! })))).toEqual(["places", 1, 2, 3])
})
