import * as tf from "@tensorflow/tfjs-core"
import { beforeAll, describe, expect, test } from "vitest"
import { RgbPhoto } from "../../datasets/image/photo.js"
import type { Detections } from "../../src/boxes/boxes.js"
import { bestDetections, scoredAtLeast } from "../../src/boxes/detections.js"
import { fuseBoxes } from "../../src/boxes/fuse.js"
import { imageNet } from "../../src/core/normalisation.js"
import { Parameters } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import type { DetectOptions } from "../../src/detector/detect-options.js"
import { detectPhoto } from "../../src/detector/detect-photo.js"
import { mirrorBack } from "../../src/detector/flip.js"
import type { Network } from "../../src/detector/region-predictor.js"
import { startEngine } from "../../src/engine/start.js"
import { expectClose } from "../support/close.js"
import { onEveryEngine } from "../support/engines.js"
import { imageSize, tinyDetector } from "../support/tiny-detector.js"
import { whiteFinder, whiteOnBlack } from "../support/white-finder.js"

const [height, width] = imageSize

/** A photo of noise: everywhere something to look at. */
const noise = (() => {
  const random = seededRandom(5)
  const pixels = Uint8Array.from({ length: 3 * height * width }, () => random.integer(256))
  return new RgbPhoto({ data: pixels, height, width })
})()

const tiny = (seed: number) => {
  const { detector, parameters } = tinyDetector(2, new Parameters(seededRandom(seed)))
  return { network: { detector, config: { size: height, maxSize: 2 * height, input: imageNet } }, parameters }
}

/** The same detections, of equally scored ones in any order. */
function expectSame(actual: Detections, expected: Detections, tolerance = 1e-4) {
  const rows = ({ boxes, scores, labels }: Detections) =>
    [...scores.keys()]
      .map((d) => [labels[d]!, ...boxes.subarray(4 * d, 4 * d + 4), scores[d]!] as const)
      .sort((a, b) => a[0] - b[0] || Math.round(1e4 * (b[5]! - a[5]!)) || a[1]! - b[1]!)
      .flat()
  expectClose(rows(actual), rows(expected), tolerance)
}

onEveryEngine("detecting in a photo", () => {
  const few = { score: 0.3, maxDetections: 10 }

  test("without options is what the detector itself does", async () => {
    const { network } = tiny(1)
    const { values, shape } = noise.input(network.config, imageNet)
    const input = tf.tensor4d(values, [...shape])
    const [own] = await network.detector.detect(input, [imageSize])
    input.dispose()
    expect(own!.scores.length).toBeGreaterThan(10)
    const found = await detectPhoto([network], noise)
    expect([...found.labels]).toEqual([...own!.labels])
    expectClose(found.scores, own!.scores)
    expectClose(found.boxes, own!.boxes)
  })

  test.each<DetectOptions>([{}, { agnosticNms: true }, { fusion: "wbf", flip: true }, { tiles: 32 }])(
    "for one class alone neither suppresses it by others nor gives them its places: %j",
    async (options) => {
      const { network } = tiny(1)
      const look = { ...options, score: 0.01, maxDetections: 5 }
      const labelsOf = async (only: number[]) => [...(await detectPhoto([network], noise, { ...look, only })).labels]
      for (const label of [1, 2]) expect(await labelsOf([label])).toEqual(Array(5).fill(label))
    },
  )

  test("leaves no tensor behind, whatever is switched on, and keeps boxes inside the photo", async () => {
    const networks = [tiny(1).network, tiny(2).network]
    const everything: DetectOptions = {
      score: 0.2,
      nms: 0.3,
      softNms: "gaussian",
      vote: true,
      refine: true,
      flip: true,
      scales: [64, 96, 128],
      tiles: 64,
      overlap: 0.25,
    }
    const tensors = tf.memory().numTensors
    const found = await detectPhoto(networks, noise, everything)
    expect(tf.memory().numTensors).toBe(tensors)
    expect(found.scores.length).toBeGreaterThan(0)
    found.boxes.forEach((value, at) => {
      expect(value).toBeGreaterThanOrEqual(0)
      expect(value).toBeLessThanOrEqual(at % 2 === 0 ? width : height)
    })
  })

  test("with the mirror image a mirrored photo has mirrored detections", async () => {
    const { network } = tiny(1)
    const found = await detectPhoto([network], noise, { ...few, flip: true })
    const mirrored = await detectPhoto([network], noise.mirrored(), { ...few, flip: true })
    expectSame(mirrored, mirrorBack(found, width))
    const plain = await detectPhoto([network], noise, few)
    expect([...plain.scores]).not.toEqual([...found.scores])
  })

  test("a network beside itself finds what it finds alone; another one changes the scores", async () => {
    const [one, other] = [tiny(1).network, tiny(2).network]
    const alone = await detectPhoto([one], noise, few)
    expectSame(await detectPhoto([one, one], noise, few), alone)
    const both = await detectPhoto([one, other], noise, few)
    expect([...both.scores]).not.toEqual([...alone.scores])
    expectSame(await detectPhoto([other, one], noise, few), both)
  })

  test("its own size twice is its own size once, and other sizes count", async () => {
    const { network } = tiny(1)
    const plain = await detectPhoto([network], noise, few)
    expectSame(await detectPhoto([network], noise, { ...few, scales: [height, height] }), plain)
    expect([...(await detectPhoto([network], noise, { ...few, scales: [height, 144] })).scores]).not.toEqual([
      ...plain.scores,
    ])
  })

  test("weighted boxes fusion is of what each network finds by itself, at each scale and in the mirror image", async () => {
    const [one, other] = [tiny(1).network, tiny(2).network]
    const at = (network: Network, size: number): Network => ({
      ...network,
      config: { ...network.config, size, maxSize: 2 * size },
    })
    const lists: Detections[] = []
    for (const view of [at(one, height), at(one, 144), at(other, height), at(other, 144)]) {
      const alone = { ...few, score: 0.05 }
      lists.push(await detectPhoto([view], noise, alone))
      lists.push(mirrorBack(await detectPhoto([view], noise.mirrored(), alone), width))
    }
    const tensors = tf.memory().numTensors
    const fused = { ...few, fusion: "wbf", flip: true, scales: [height, 144] } as const
    const found = await detectPhoto([one, other], noise, { ...fused, score: 0.05 })
    expect(tf.memory().numTensors).toBe(tensors)
    const expected = fuseBoxes(lists)
    expect(expected.scores.length).toBeGreaterThan(10)
    expectSame(found, scoredAtLeast(bestDetections(expected, few.maxDetections), 0.05))
    const best = await detectPhoto([one, other], noise, { ...fused, score: found.scores[2]! })
    expect([...best.scores]).toEqual([...found.scores.subarray(0, 3)])
  })

  test("fusion of one look is what it finds; it does not go with tiles", async () => {
    const { network } = tiny(1)
    const plain = await detectPhoto([network], noise, few)
    // Boxes that NMS at 0.5 leaves may still be one object at 0.55: here there are none.
    expectSame(await detectPhoto([network], noise, { ...few, fusion: "wbf", scales: [] }), plain)
    const both = detectPhoto([network], noise, { fusion: "wbf", tiles: 64 })
    await expect(both).rejects.toThrow("fusion wbf is of whole images. Leave out tiles, or take fusion nms")
  })

  test("global context goes with everything else", async () => {
    const { detector } = tinyDetector(2, undefined, { context: true })
    const network = { detector, config: { size: height, maxSize: 2 * height, input: imageNet } }
    const found = await detectPhoto([network], noise, { scales: [64, 96], flip: true, refine: true, score: 0.1 })
    expect(found.scores.length).toBeGreaterThan(0)
  })
})

describe("what a photo is asked for", () => {
  beforeAll(() => startEngine())

  test("the white rectangle is found where it is", async () => {
    const { network, asked } = whiteFinder(64)
    const found = await detectPhoto([network], whiteOnBlack(128, 64, [30, 10, 70, 50]))
    expect([...found.boxes]).toEqual([30, 10, 70, 50])
    expect(asked.inputs).toEqual(["128x64"])
    expect([...found.labels]).toEqual([1])
  })

  test("a black photo has nothing, with every switch on", async () => {
    const { network } = whiteFinder(64)
    const found = await detectPhoto([network], whiteOnBlack(128, 64), {
      refine: true,
      flip: true,
      vote: true,
      tiles: 64,
    })
    expect(found.scores).toHaveLength(0)
  })

  test("at other sizes regions are looked at where they are there; proposals come from the own size", async () => {
    const { network, asked } = whiteFinder(64)
    const found = await detectPhoto([network], whiteOnBlack(128, 64, [32, 16, 64, 48]), { scales: [32, 64, 128] })
    expect([...found.boxes]).toEqual([32, 16, 64, 48])
    expect(asked.inputs).toEqual(["128x64", "64x32", "256x128"])
    // 32 pixels square are nearest to 224 where they are largest.
    expect(asked.regions).toEqual([
      [32, 16, 64, 48],
      [64, 32, 128, 96],
    ])
  })

  test("the longest side grows with the size", async () => {
    const { network, asked } = whiteFinder(64)
    await detectPhoto([network], whiteOnBlack(640, 64, [0, 0, 64, 64]), { scales: [32] })
    // 4 times the shorter side is the most: 256 at the own size, 128 at half of it.
    expect(asked.inputs).toEqual(["256x32", "128x32"])
  })

  test("the mirror image's boxes come back to their side", async () => {
    const { network, asked } = whiteFinder(64)
    const found = await detectPhoto([network], whiteOnBlack(128, 64, [30, 10, 70, 50]), { flip: true })
    expect([...found.boxes]).toEqual([30, 10, 70, 50])
    expect(asked.regions).toEqual([
      [30, 10, 70, 50],
      [58, 10, 98, 50],
    ])
  })

  test("refinement looks at the boxes once more", async () => {
    const { network, asked } = whiteFinder(64)
    const found = await detectPhoto([network], whiteOnBlack(128, 64, [30, 10, 70, 50]), { refine: true })
    expect(asked.regions).toEqual([
      [30, 10, 70, 50],
      [30, 10, 70, 50],
    ])
    expect(found.scores).toHaveLength(1)
  })

  test("in tiles two rectangles are found that are one in the whole photo", async () => {
    const { network, asked } = whiteFinder(64)
    const photo = whiteOnBlack(128, 64, [10, 10, 40, 40], [90, 20, 110, 50])
    expect([...(await detectPhoto([network], photo)).boxes]).toEqual([10, 10, 110, 50])
    asked.inputs.length = 0
    const found = await detectPhoto([network], photo, { tiles: 64, overlap: 0 })
    expect(asked.inputs).toEqual(["128x64", "64x64", "64x64"])
    expect([...found.boxes]).toEqual([10, 10, 110, 50, 10, 10, 40, 40, 90, 20, 110, 50])
  })

  test("a photo no larger than a tile is looked at once", async () => {
    const { network, asked } = whiteFinder(64)
    await detectPhoto([network], whiteOnBlack(64, 64, [10, 10, 40, 40]), { tiles: 64 })
    expect(asked.inputs).toEqual(["64x64"])
  })

  test("scores below the wanted one are left out at the end, and still have a vote", async () => {
    const { network } = whiteFinder(64)
    const photo = whiteOnBlack(128, 64, [30, 10, 70, 50])
    expect((await detectPhoto([network], photo, { score: 0.999 })).scores).toHaveLength(1)
    expect((await detectPhoto([network], photo, { score: 1 })).scores).toHaveLength(0)
  })
})
