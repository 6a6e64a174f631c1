import { expect, test } from "vitest"
import { resNetSpec } from "../../src/backbone/architecture.js"
import { summarize } from "../../src/backbone/summary.js"

// Multiply-adds as the paper prints them (Table 1) or, for torchvision's variant, as counted from torchvision's graph.
test.each([
  [18, "3x3", 11_689_512, 1.814],
  [34, "3x3", 21_797_672, 3.664],
  [50, "1x1", 25_557_032, 3.858],
  [50, "3x3", 25_557_032, 4.089],
  [101, "1x1", 44_549_160, 7.57],
  [101, "3x3", 44_549_160, 7.801],
  [152, "1x1", 60_192_808, 11.282],
  [152, "3x3", 60_192_808, 11.514],
] as const)(
  "ResNet-%i with its stride in the %s has the published size and cost",
  (depth, strideIn, parameters, giga) => {
    const summary = summarize(resNetSpec(depth, { strideIn }))
    expect(summary.parameters).toBe(parameters)
    expect(Number((summary.multiplyAdds / 1e9).toFixed(3))).toBe(giga)
  },
)

test("91 convolutions of ResNet-101 are shared up to conv4", () => {
  const { rows } = summarize(resNetSpec(101))
  const shared = rows.filter(({ name }) => !/^layer4|downsample|fc/.test(name))
  expect(shared.length).toBe(91)
})

test("a larger image costs more and has the same parameters", () => {
  const spec = resNetSpec(18)
  const [usual, larger] = [summarize(spec), summarize(spec, { inputSize: [448, 448] })]
  expect(larger.parameters).toBe(usual.parameters)
  expect(larger.rows[0]!.multiplyAdds).toBe(4 * usual.rows[0]!.multiplyAdds)
})
