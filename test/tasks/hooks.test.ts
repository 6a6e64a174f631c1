import { expect, test } from "vitest"
import { countOff, listenerOf } from "../../src/tasks/hooks.js"

test("the signal is asked for only by a task that can stop", () => {
  let asked = 0
  const hooks = {
    get signal() {
      asked++
      return new AbortController().signal
    },
  }
  const listener = listenerOf(hooks)
  listener.log("a line")
  expect(asked).toBe(0)
  expect(listener.signal.aborted).toBe(false)
  expect(asked).toBe(1)
})

test("what is not listened to is not told", () => {
  const listener = listenerOf({})
  listener.log("a line")
  listener.fault({ kind: "missing-image", file: "a.jpg", message: "there is no such file", action: "skipped" })
  listener.progress({ job: "check", done: 1, total: 2 })
  expect(listener.signal.aborted).toBe(false)
})

test("counting tells the progress, and ends the job with the reason that the caller gave", () => {
  const controller = new AbortController()
  const seen: unknown[] = []
  const listener = listenerOf({ signal: controller.signal, onProgress: (progress) => seen.push(progress) })
  const told = countOff(listener, "check")
  told(1, 3)
  controller.abort(new Error("enough"))
  expect(() => told(2, 3)).toThrow("enough")
  expect(seen).toEqual([1, 2].map((done) => ({ job: "check", done, total: 3 })))
})
