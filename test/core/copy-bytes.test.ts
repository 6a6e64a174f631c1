import { expect, test } from "vitest"
import { copyBytes } from "../../src/core/copy-bytes.js"

test("a copy has the same bytes, of a part as well, in the memory that it was given", async () => {
  const from = Uint8Array.from({ length: 100 }, (_, i) => i)
  const to = new Uint8Array(new SharedArrayBuffer(90))
  expect(await copyBytes(from.subarray(10), to)).toBe(to)
  expect([...to]).toEqual([...from.subarray(10)])
  expect((await copyBytes(new Uint8Array(), new Uint8Array())).length).toBe(0)
})

test("while many bytes are copied the event loop goes on", async () => {
  const from = new Uint8Array(40 << 20)
  from[from.length - 1] = 7
  let turns = 0
  let isDone = false
  const turn = () => {
    if (isDone) return
    turns++
    setImmediate(turn)
  }
  setImmediate(turn)
  const to = await copyBytes(from, new Uint8Array(from.length))
  isDone = true
  expect(to.at(-1)).toBe(7)
  expect(turns).toBeGreaterThanOrEqual(4)
})
