import { expect, test } from "vitest"
import { ahead } from "../../../datasets/loader/ahead.js"

test("signals and timers are heard between items, even where all are there at once", async () => {
  const controller = new AbortController()
  setImmediate(() => controller.abort())
  let done = 0
  for await (const _ of ahead(Array(100).keys(), async (item) => item, 2)) {
    if (controller.signal.aborted) break
    done++
  }
  expect(done).toBeLessThan(3)
})
