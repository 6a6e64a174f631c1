import { afterEach, expect, test, vi } from "vitest"
import { ReportWindow } from "../../src/train/report-window.js"

afterEach(() => vi.restoreAllMocks())

test("times are of steps, however many batches a step has", () => {
  const clock = vi.spyOn(performance, "now").mockReturnValue(0)
  const window = new ReportWindow(10)
  for (let step = 0; step < 2; step++) {
    for (let batch = 0; batch < 4; batch++) window.add({ loss: batch }, 25)
    window.endStep()
  }
  clock.mockReturnValue(6000)
  expect(window.report(0, 2, 0.01)).toMatchObject({ stepMs: 3000, dataMs: 100, secondsLeft: 24, losses: { loss: 1.5 } })
  window.add({ loss: 5 }, 0)
  window.endStep()
  clock.mockReturnValue(7000)
  expect(window.report(0, 3, 0.01)).toMatchObject({ stepMs: 1000, dataMs: 0, secondsLeft: 7, losses: { loss: 5 } })
})
