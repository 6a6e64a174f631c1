import { expect, test } from "vitest"
import { resolveConfig } from "../../src/tasks/config.js"
import { trainSchema } from "../../src/tasks/options/train-detector.js"
import { saveIntervalOf } from "../../src/tasks/options/training.js"

const given = (saveEvery: unknown) =>
  saveIntervalOf(resolveConfig(trainSchema, { command: "train", flags: { data: "d", saveEvery } }).options.saveEvery)

test("--save-every is steps, minutes or hours; ten minutes by default", () => {
  expect(given(undefined)).toEqual({ minutes: 10 })
  expect(given("500")).toEqual({ steps: 500 })
  expect(given(500)).toEqual({ steps: 500 })
  expect(given("3m")).toEqual({ minutes: 3 })
  expect(given("2h")).toEqual({ minutes: 120 })
})

test.each(["0", "m", "1.5h", "-1", "10 m", "10s"])("--save-every %s is refused", (text) => {
  expect(() => given(text)).toThrow("expected steps, or minutes or hours, such as 500, 10m or 1h")
})
