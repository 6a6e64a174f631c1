import { expect, test } from "vitest"
import { fromTorchAxes, toTorchAxes } from "../../src/weights/axes.js"
import { adaptNorms, normOf } from "../../src/weights/norms.js"

const count = (length: number) => Float32Array.from({ length }, (_, at) => at)

test("filters go from OIHW to HWIO and back", () => {
  // Value 1000 o + 100 i + 10 h + w, in OIHW order.
  const values: number[] = []
  for (const o of [0, 1])
    for (const i of [0, 1, 2])
      for (const h of [0, 1]) for (const w of [0, 1]) values.push(1000 * o + 100 * i + 10 * h + w)
  const file = { shape: [2, 3, 2, 2], values: Float32Array.from(values) }
  const ours = fromTorchAxes(file)
  expect(ours.shape).toEqual([2, 2, 3, 2])
  expect([...ours.values.slice(0, 8)]).toEqual([0, 1000, 100, 1100, 200, 1200, 1, 1001])
  expect(toTorchAxes(ours)).toEqual(file)
})

test("matrices are turned, vectors and scalars stay", () => {
  expect(fromTorchAxes({ shape: [2, 3], values: count(6) })).toEqual({
    shape: [3, 2],
    values: Float32Array.of(0, 3, 1, 4, 2, 5),
  })
  expect(toTorchAxes(fromTorchAxes({ shape: [2, 3], values: count(6) }))).toEqual({ shape: [2, 3], values: count(6) })
  expect(fromTorchAxes({ shape: [3], values: count(3) })).toEqual({ shape: [3], values: count(3) })
})

test("each convolution of a ResNet knows its norm, other layers have none", () => {
  expect(normOf("conv1")).toBe("bn1")
  expect(normOf("backbone.layer1.0.conv3")).toBe("backbone.layer1.0.bn3")
  expect(normOf("layer2.0.downsample.0")).toBe("layer2.0.downsample.1")
  expect(normOf("backbone.fpn.inner_blocks.3.0")).toBe("backbone.fpn.inner_blocks.3.1")
  expect(normOf("roi_heads.box_head.0.0")).toBe("roi_heads.box_head.0.1")
  expect(normOf("rpn.head.conv")).toBeUndefined()
  expect(normOf("rpn.head.conv.0.0")).toBeUndefined()
  expect(normOf("fc")).toBeUndefined()
})

const vector = (...values: number[]) => ({ shape: [values.length], values: Float32Array.from(values) })
const filter = { shape: [1, 1, 1, 2], values: Float32Array.of(3, 5) }
const unfolded = new Map([
  ["a.conv1.weight", filter],
  ["a.bn1.weight", vector(2, 1)],
  ["a.bn1.bias", vector(10, 20)],
  ["a.bn1.running_mean", vector(1, -1)],
  ["a.bn1.running_var", vector(4 - 1e-5, 0.25 - 1e-5)],
])

test("a frozen norm is folded: w s / sqrt(v + eps), b - m s / sqrt(v + eps)", () => {
  const folded = adaptNorms(unfolded, () => "frozen")
  expect([...folded.keys()]).toEqual(["a.conv1.weight", "a.conv1.bias"])
  expect([...folded.get("a.conv1.weight")!.values]).toEqual([3, 10])
  expect([...folded.get("a.conv1.bias")!.values]).toEqual([9, 22])
})

test("a folded file gives a batch norm that only adds its bias", () => {
  const folded = adaptNorms(unfolded, () => "frozen")
  const batch = adaptNorms(folded, () => "batch")
  expect(batch.has("a.conv1.bias")).toBe(false)
  expect([...batch.get("a.bn1.bias")!.values]).toEqual([9, 22])
  const again = adaptNorms(batch, () => "frozen")
  for (const name of folded.keys()) {
    const [before, after] = [folded.get(name)!.values, again.get(name)!.values]
    for (const [at, value] of after.entries()) expect(Math.abs(value / before[at]! - 1)).toBeLessThan(1e-6)
  }
})

test("a batch norm's values are not taken for a group norm's, a group norm's own are", () => {
  expect([...adaptNorms(unfolded, () => "group").keys()]).toEqual(["a.conv1.weight"])
  const own = new Map([...unfolded].filter(([name]) => !name.includes("running")))
  expect(adaptNorms(own, () => "group")).toEqual(own)
})
