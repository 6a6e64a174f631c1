import { expect, test } from "vitest"
import { completeConfig, modelDefaults, type StoredModelConfig } from "../../src/detector/model.js"

const model = "fasterrcnn_resnet18_c4"

test("a stored configuration keeps what it says, and has the defaults for what came later", () => {
  const { input: _, ...stored } = { ...modelDefaults, model, size: 123 }
  const { operator: __, ...align } = { ...modelDefaults.options.align, samplingRatio: 3 }
  const old = { ...stored, options: { ...stored.options, align } }
  const { options } = modelDefaults
  expect(completeConfig(old)).toEqual({
    ...modelDefaults,
    model,
    size: 123,
    options: { ...options, align: { ...options.align, operator: "align", samplingRatio: 3 } },
  })
})

test("an option that nobody knows is refused", () => {
  const stored = { model, options: { align: { bins: 7 } } } as StoredModelConfig
  expect(() => completeConfig(stored)).toThrow('unknown option "config.options.align.bins". Known: operator, size')
})
