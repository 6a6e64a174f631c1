import { expect, test } from "vitest"
import { UsageError } from "../../src/core/errors.js"
import { classifyTrainSchema, storedClassifyTrainSchema } from "../../src/tasks/options/train-classifier.js"
import { expectValidation } from "../../src/tasks/training/expect-validation.js"

test("what goes by validation needs one", () => {
  const plain = { valEvery: 1, schedule: "steps" }
  expect(() => expectValidation(undefined, plain)).not.toThrow()
  expect(() => expectValidation({}, { ...plain, patience: 3 })).not.toThrow()
  expect(() => expectValidation(undefined, { ...plain, patience: 3 })).toThrow(UsageError)
  expect(() => expectValidation(undefined, { ...plain, patience: 3 })).toThrow(/^--patience 3 .* validation split$/)
  expect(() => expectValidation(undefined, { ...plain, valEvery: 0, patience: 3 })).toThrow(/: set --val-every to 1/)
  expect(() => expectValidation(undefined, { ...plain, schedule: "plateau" })).toThrow(/^--schedule plateau drops/)
  expect(() => expectValidation(undefined, { ...plain, minMap: 0.5 })).toThrow(
    /^--min-map 0.5 judges .* validation split$/,
  )
})

test("a run of 0.1.0 keeps its schedule's patience, and has no early stopping", () => {
  const { plateauPatience: _, ...older } = classifyTrainSchema.parse({ data: "photos" })
  expect(storedClassifyTrainSchema.parse({ ...older, patience: 4 })).toMatchObject({ plateauPatience: 4 })
  expect(storedClassifyTrainSchema.parse({ ...older, patience: 4 }).patience).toBeUndefined()
  const newer = classifyTrainSchema.parse({ data: "photos", patience: 4 })
  expect(storedClassifyTrainSchema.parse(newer)).toEqual(newer)
  expect(newer).toMatchObject({ patience: 4, plateauPatience: 10 })
})

test("a classifier's run from before images were held out holds none out", () => {
  const { holdOut, ...older } = classifyTrainSchema.parse({ data: "photos" })
  expect([holdOut, storedClassifyTrainSchema.parse(older).holdOut]).toEqual([0.2, 0])
})
