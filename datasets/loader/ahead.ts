import { setImmediate as turn } from "node:timers/promises"

/** What came of an item, and how long whoever wanted it had to wait. */
interface Done<Item, Result> {
  readonly item: Item
  readonly result: Result
  readonly waitedMs: number
}

/**
 * Results in the order of their items, at most `most` of them under way or ready beside the one that is handed over. Work
 * on an item starts when its turn comes up, before its result is asked for. Whoever stops early closes the items. Between items
 * signals and timers are heard, however little there is to wait for.
 */
export async function* ahead<Item, Result>(
  items: Iterable<Item> | AsyncIterable<Item>,
  work: (item: Item, index: number) => Promise<Result>,
  most: number,
): AsyncGenerator<Done<Item, Result>, void, undefined> {
  const source = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]()
  const begun: { readonly item: Item; readonly promised: Promise<Result> }[] = []
  let count = 0
  let isOver = false
  const fill = async () => {
    while (!isOver && begun.length < most) {
      const { value: item, done } = await source.next()
      if (done) {
        isOver = true
        return
      }
      const promised = work(item, count++)
      // Told when it is awaited; without this, one that nobody awaits any more would end the process.
      promised.catch(() => undefined)
      begun.push({ item, promised })
    }
  }
  try {
    for (;;) {
      const since = performance.now()
      await fill()
      const first = begun.shift()
      if (first === undefined) return
      const result = await first.promised
      await fill()
      await turn()
      yield { item: first.item, result, waitedMs: performance.now() - since }
    }
  } finally {
    if (!isOver) await source.return?.()
  }
}
