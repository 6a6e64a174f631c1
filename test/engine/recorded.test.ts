import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import * as tf from "@tensorflow/tfjs-core"
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest"
import { type BackboneSpec, createBackbone } from "../../src/backbone/backbone.js"
import { Parameters, Scope } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { precisions } from "../../src/engine/names.js"
import { findNative } from "../../src/engine/native/cache.js"
import { type NativeFunction, type Pause, recordFunction } from "../../src/engine/native/recorder.js"
import { convolution } from "../../src/engine/ops/convolution/convolution.js"
import { addRelu } from "../../src/engine/ops/relu.js"
import { bf16Units } from "../../src/engine/precision.js"
import { recorded, recordedInParts } from "../../src/engine/recorded.js"
import { startEngine } from "../../src/engine/start.js"
import { onEveryEngine } from "../support/engines.js"

// What is kept follows from the memory: as of a small machine.
vi.mock("node:os", async (original) => ({ ...(await original<typeof import("node:os")>()), totalmem: () => 4e9 }))

const compiled = (path: string) => JSON.stringify(fileURLToPath(new URL(`../../dist/src/${path}`, import.meta.url)))

const image = (seed: number, [height, width]: [number, number] = [40, 56]) =>
  tf.randomUniform<tf.Rank.R4>([1, height, width, 3], -1, 1, "float32", seed)

/** A stem, a block with its shortcut, a max pool, group norm and a coarser map laid over a finer one. */
const spec: BackboneSpec = {
  channels: 32,
  strides: [4, 8],
  features(ops, images) {
    const conv = (name: string, from: number, stride = 1, kernel = 3) =>
      ({ conv: name, norm: `${name}_norm`, kernel, stride, in: from, out: 32 }) as const
    const stem = ops.maxPool(ops.conv(images, conv("stem", 3, 2), { norm: "batch", relu: true }))
    const inner = ops.conv(stem, conv("a", 32), { norm: "batch", relu: true })
    const fine = ops.add(ops.conv(inner, conv("b", 32, 1, 1), { norm: "frozen" }), stem, { relu: true })
    const coarse = ops.conv(fine, conv("c", 32, 2), { norm: "group", relu: true })
    return [ops.add(fine, ops.upsample(coarse, fine)), coarse]
  },
}

/** Calls of the engine's, by the names of what they run. */
function calls(work: () => unknown): string[] {
  const backend = tf.backend() as unknown as {
    executeMultipleOutputs(name: string): unknown
    executeSingleOutput(): unknown
  }
  const spies = [vi.spyOn(backend, "executeMultipleOutputs"), vi.spyOn(backend, "executeSingleOutput")]
  try {
    work()
    return spies.flatMap((spy) => (spy.mock.calls as unknown as string[][]).map(([name]) => name!))
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
}

describe.runIf(findNative())("recorded", () => {
  let stranger: tf.Tensor
  beforeAll(async () => {
    await startEngine("tensorflow")
    stranger = tf.tidy(() => tf.mul(tf.ones([3]), 2))
  })
  afterAll(() => stranger.dispose())
  afterEach(() => vi.unstubAllEnvs())

  function network() {
    const parameters = new Parameters(seededRandom(0))
    const { features } = createBackbone(new Scope(parameters), spec)
    return { parameters, eager: features, recording: recorded((x: tf.Tensor4D) => features(x)) }
  }
  const valuesOf = (work: (x: tf.Tensor4D) => readonly tf.Tensor[], x: tf.Tensor4D) =>
    tf.tidy(() => work(x).map((map) => ({ shape: map.shape, values: map.dataSync<"float32">() })))

  it("gives what the work gives, bit for bit, for inputs other than those recorded", () => {
    const { parameters, eager, recording } = network()
    for (const seed of [1, 2]) tf.dispose([...tf.tidy(() => [...recording(image(seed))])])
    for (const seed of [3, 4]) {
      const x = image(seed)
      expect(valuesOf(recording, x)).toEqual(valuesOf(eager, x))
      x.dispose()
    }
    parameters.dispose()
  })

  it("runs a shape as it is the first time, records it the second time, and is one call from then on", () => {
    const { parameters, recording } = network()
    const run = (size?: [number, number]) => calls(() => tf.tidy(() => void recording(image(1, size))))
    const ofInput = calls(() => image(1).dispose())
    const [first, second, third, otherSize] = [run(), run(), run(), run([48, 56])]
    expect(first.length).toBeGreaterThan(30)
    expect(second).toEqual(first)
    expect(third).toEqual([expect.stringMatching(/^resdet_\d+$/), ...ofInput])
    expect(otherSize).toEqual(first)
    parameters.dispose()
  })

  it("reads variables as they are when it is called", () => {
    const factor = tf.variable(tf.scalar(2))
    const doubled = recorded((x: tf.Tensor4D) => [tf.mul(x, factor)])
    const x = tf.ones<tf.Rank.R4>([1, 1, 1, 1])
    const value = () => tf.tidy(() => doubled(x)[0]!.dataSync()[0])
    expect([value(), value(), value()]).toEqual([2, 2, 2])
    factor.assign(tf.scalar(5))
    expect(value()).toBe(5)
    tf.dispose([factor, x])
  })

  it.each(precisions)("hands an input on that is a result, in %s", (precision) => {
    const same = recorded((x: tf.Tensor4D) => [x, tf.neg(x)], precision)
    const x = image(1)
    for (let k = 0; k < 3; k++) {
      const [handed] = tf.tidy(() => same(x).map((result) => result.dataSync()))
      expect(handed).toEqual(x.dataSync())
    }
    x.dispose()
  })

  it("takes the same tensor twice for what it is", () => {
    const difference = recorded((a: tf.Tensor, b: tf.Tensor) => [tf.sub(a, b)])
    const [one, five] = [tf.tensor1d([1]), tf.tensor1d([5])]
    const value = (a: tf.Tensor, b: tf.Tensor) => tf.tidy(() => difference(a, b)[0]!.dataSync()[0])
    expect([value(one, one), value(one, one), value(one, one), value(five, one)]).toEqual([0, 0, 0, 4])
    tf.dispose([one, five])
  })

  it("leaves no tensor behind, in JavaScript or in TensorFlow", () => {
    const { parameters, recording } = network()
    const { binding } = tf.backend() as unknown as { binding: { getNumOfTensors(): number } }
    const counts = () => [tf.memory().numTensors, binding.getNumOfTensors()]
    const run = () => tf.tidy(() => void recording(image(1)))
    // What is nowhere but in JavaScript yet is sent by the first calls.
    run()
    run()
    const before = counts()
    for (let k = 0; k < 3; k++) run()
    expect(counts()).toEqual(before)
    parameters.dispose()
  })

  it.each<[string, (x: tf.Tensor4D) => tf.Tensor, string]>([
    ["reads a value", (x) => tf.mul(x, x.dataSync()[0]!), "a value is read while operations are recorded"],
    [
      "reads a tensor that is neither an input nor a variable",
      (x) => tf.mul(x, stranger),
      "Mul reads a tensor that was made before the recording and is not given to it",
    ],
    [
      "brings data of its own",
      (x) => tf.add(x, tf.slice(tf.tensor1d(new Float32Array(3000).map((_, i) => i)), 0, 3)),
      "a tensor of 12000 bytes is made of values within the recording",
    ],
  ])("throws when the work %s, and the next recording is none the worse", (_, work, message) => {
    const bad = recorded((x: tf.Tensor4D) => [work(x)])
    const x = image(1)
    tf.tidy(() => void bad(x))
    expect(() => tf.tidy(() => void bad(x))).toThrow(message)
    const good = recorded((x: tf.Tensor4D) => [tf.neg(x)])
    for (let k = 0; k < 3; k++) expect(tf.tidy(() => good(x)[0]!.dataSync()[0])).toBe(-x.dataSync()[0]!)
    x.dispose()
  })
  it("runs under a gradient tape as it is", () => {
    const squares = recorded((x: tf.Tensor) => [tf.square(x)])
    const slope = tf.grad((x) => tf.sum(squares(x)[0]!))
    const x = tf.tensor1d([3])
    for (let k = 0; k < 3; k++) expect(tf.tidy(() => slope(x).dataSync()[0])).toBe(6)
    x.dispose()
  })

  it("records work within work once, as a part of the outer", () => {
    const inner = recorded((x: tf.Tensor) => [tf.square(x)])
    const outer = recorded((x: tf.Tensor) => inner(x).map((y) => tf.neg(y)))
    const x = tf.tensor1d([3])
    for (let k = 0; k < 4; k++) expect(tf.tidy(() => outer(x)[0]!.dataSync()[0])).toBe(-9)
    x.dispose()
  })

  it("keeps the functions of shapes that come most often, up to so many nodes, and runs others as they are", () => {
    const long = recorded((x: tf.Tensor) => {
      let y = x
      for (let k = 0; k < 2000; k++) y = tf.neg(y)
      return [y]
    })
    const run = (length: number) => calls(() => tf.tidy(() => void long(tf.ones([length])))).at(0)
    const runs = (length: number, times: number) => Array.from({ length: times }, () => run(length))
    const recording = expect.stringMatching(/^resdet_/)
    // 32,000 nodes are fifteen of these.
    for (let length = 1; length <= 15; length++) expect(runs(length, 3)).toEqual(["Neg", "Neg", recording])
    expect(runs(16, 5)).toEqual(Array(5).fill("Neg"))
    expect(run(1)).toEqual(recording)
    expect(runs(16, 5).at(-1)).toEqual(recording)
    expect([run(2), run(1), run(15), run(16)]).toEqual(["Neg", recording, recording, recording])
  })

  it("writes a constant down once, in each part that reads it", () => {
    const turn = (x: tf.Tensor) => tf.transpose(x, [1, 0])
    const x = tf.tensor2d([[1, 2, 3]])
    const negated = ([y]: readonly tf.Tensor[]) => [tf.neg(y!)]
    const work = (pause: Pause) => pause([turn(turn(turn(x)))]).map((y) => turn(turn(turn(y))))
    let made!: NativeFunction
    tf.tidy(() => {
      made = recordFunction(work, [x], "float32", negated).made
    })
    // Twice an argument, a constant, and three turns.
    expect(made.nodes).toBe(10)
    expect(tf.tidy(() => made.run([x], negated)[0]!.arraySync())).toEqual([[-1, -2, -3]])
    made.remove()
    x.dispose()
  })

  it("removed in a pause goes on to its end, and is gone then", () => {
    const x = tf.scalar(3)
    const work = (pause: Pause) => pause([tf.neg(x)]).map((y) => tf.exp(y))
    let made!: NativeFunction
    tf.tidy(() => {
      made = recordFunction(work, [x], "float32", (all) => all.map((y) => tf.mul(y, 2))).made
    })
    const removing = (all: readonly tf.Tensor[]) => {
      made.remove()
      return all.map((y) => tf.mul(y, 0))
    }
    expect(tf.tidy(() => made.run([x], removing)[0]!.arraySync())).toBe(1)
    expect(() => tf.tidy(() => made.run([x], removing))).toThrow()
    x.dispose()
  })

  it("assigns the variables that the work assigns, and reads them as they are", () => {
    const total = tf.variable(tf.scalar(0))
    const add = recorded((x: tf.Tensor) => {
      total.assign(tf.add(total, x))
      return [tf.mul(total, 10)]
    })
    const told = [1, 2, 3, 4].map((x) => tf.tidy(() => add(tf.scalar(x))[0]!.dataSync()[0]))
    expect(told).toEqual([10, 30, 60, 100])
    expect(total.dataSync()[0]).toBe(10)
    total.dispose()
  })

  it.each(precisions)(
    "of parts reads in its pauses, keeps what the next part needs, and leaves no tensor, in %s",
    (precision) => {
      const weight = tf.variable(tf.scalar(2))
      const inner = recorded((x: tf.Tensor) => [tf.mul(x, 100)])
      const work = recordedInParts((pause, x: tf.Tensor) => {
        const [doubled, held] = [tf.mul(x, weight), tf.neg(x)]
        const [given] = pause([doubled])
        return [tf.add(tf.add(held, given!), weight)]
      }, precision)
      // What is made in a pause may lie where the first part had something.
      const between = ([doubled]: readonly tf.Tensor[]) => [inner(tf.scalar(doubled!.dataSync()[0]! + 1))[0]!]
      const run = (x: number) => tf.tidy(() => work(between, tf.scalar(x))[0]!.dataSync()[0])
      expect([1, 2, 3, 4].map(run)).toEqual([1, 2, 3, 4].map((x) => 100 * (2 * x + 1) - x + 2))
      const before = tf.memory().numTensors
      weight.assign(tf.scalar(3))
      expect(run(5)).toBe(100 * 16 - 5 + 3)
      expect(tf.memory().numTensors).toBe(before + 1)
      weight.dispose()
    },
  )

  it("takes a large tensor of one value for what follows from shapes", () => {
    const more = recorded((x: tf.Tensor) => [tf.add(x, tf.ones([5000])), tf.add(x, tf.fill([5000], -7))])
    const x = tf.ones([5000])
    const values = () => tf.tidy(() => more(x).map((y) => y.dataSync())).map((all) => new Set(all))
    for (let k = 0; k < 3; k++) expect(values()).toEqual([new Set([2]), new Set([-6])])
    x.dispose()
  })

  // What oneDNN chooses differs by processor: a newer one plays an older one.
  it.each(["AVX2", "AVX512_CORE"])("gives the same bits with the kernels of %s", (isa) => {
    const program = `
      const { startEngine } = await import(${compiled("engine/start.js")})
      const { recorded } = await import(${compiled("engine/recorded.js")})
      const { modelDefaults } = await import(${compiled("detector/model.js")})
      const { buildLayers } = await import(${compiled("detector/build.js")})
      const { Parameters } = await import(${compiled("core/parameters.js")})
      const { seededRandom } = await import(${compiled("core/random.js")})
      const tf = await import("@tensorflow/tfjs-core")
      await startEngine("tensorflow")
      const config = { ...modelDefaults, model: "fasterrcnn_resnet18_c4", conv5Norm: "frozen" }
      const { backbone, rpnHead } = buildLayers(new Parameters(seededRandom(0)), config, 2)
      const work = (images) => {
        const maps = backbone.features(backbone.frozen(images))
        return [...maps, ...Object.values(rpnHead.apply(maps))]
      }
      const photo = (seed) => tf.randomUniform([1, 64, 96, 3], -1, 1, "float32", seed)
      const values = (run, seed) => run(photo(seed)).map((tensor) => Array.from(tensor.dataSync()))
      const recording = recorded(work)
      recording(photo(1))
      recording(photo(1))
      console.log(JSON.stringify(values(work, 2)) === JSON.stringify(values(recording, 2)))
    `
    const env = { ...process.env, ONEDNN_MAX_CPU_ISA: isa }
    const args = ["--input-type=module", "-e", program]
    expect(spawnSync(process.execPath, args, { encoding: "utf8", env }).stdout).toBe("true\n")
  })

  it("with RESDET_RECORD=off is the work itself", () => {
    vi.stubEnv("RESDET_RECORD", "off")
    const work = (x: tf.Tensor) => [tf.neg(x)]
    expect(recorded(work)).toBe(work)
  })

  describe.runIf(bf16Units().length > 0)("in bf16", () => {
    const both = () => {
      const { parameters, eager } = network()
      return { parameters, eager, recording: recorded((x: tf.Tensor4D) => eager(x), "bf16") }
    }

    it("rounds the inputs of products to 8 bits, the first time too", () => {
      const { parameters, eager, recording } = both()
      const x = image(1)
      const [exact, first, second] = [valuesOf(eager, x), valuesOf(recording, x), valuesOf(recording, x)]
      expect(second).toEqual(first)
      for (const [level, { values }] of exact.entries()) {
        const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
        const off = values.reduce((most, value, i) => Math.max(most, Math.abs(value - first[level]!.values[i]!)), 0)
        expect(off).toBeGreaterThan(0)
        expect(off).toBeLessThan(2 ** -5 * largest)
      }
      x.dispose()
      parameters.dispose()
    })

    it("adds bias and shortcut to a 1x1 convolution before it rounds", () => {
      const [x, shortcut] = [tf.ones<tf.Rank.R4>([1, 4, 4, 16]), tf.ones<tf.Rank.R4>([1, 4, 4, 16])]
      const recording = recorded((x: tf.Tensor4D, shortcut: tf.Tensor4D) => {
        const maps = convolution(x, tf.fill([1, 1, 16, 16], 16), tf.ones([16]))
        return [addRelu(maps, shortcut)]
      }, "bf16")
      // From 256 to 512 bfloat16 has even numbers alone: 256 + 1, rounded, is 256 again, and so is that and 1.
      let values: Float32Array | undefined
      const run = () => tf.tidy(() => recording(x, shortcut)[0]!.dataSync<"float32">())
      const called = calls(() => {
        values = run()
      })
      expect([...values!]).toEqual(Array(256).fill(258))
      // As a product it would be fused with nothing.
      expect(called).toContain("Conv2D")
      tf.dispose([x, shortcut])
    })

    it("leaves no tensor behind", () => {
      const { parameters, recording } = both()
      const before = tf.memory().numTensors
      for (let k = 0; k < 3; k++) tf.tidy(() => void recording(image(1)))
      expect(tf.memory().numTensors).toBe(before)
      parameters.dispose()
    })
  })
})

onEveryEngine("recorded work", () => {
  it("gives what the work gives, however often it is called", () => {
    const squares = recorded((x: tf.Tensor) => [tf.square(x)])
    for (const value of [1, 2, 3])
      expect(tf.tidy(() => squares(tf.tensor1d([value]))[0]!.dataSync()[0])).toBe(value ** 2)
  })
})
