/** A result, and how long whoever wanted it had to wait. */
export interface Waited<Result> {
  readonly result: Result
  readonly waitedMs: number
}

/**
 * Results in the order of their jobs, at most `most` of them under way or ready at a time. A job starts when its turn
 * comes up, before its result is asked for.
 */
export async function* ahead<Result>(
  jobs: Iterable<() => Promise<Result>>,
  most: number,
): AsyncGenerator<Waited<Result>, void, undefined> {
  const ready: Promise<Result>[] = []
  const turns = jobs[Symbol.iterator]()
  const fill = () => {
    while (ready.length < most) {
      const { value: job, done } = turns.next()
      if (done) return
      const result = job()
      // Told when it is awaited; without this, one that nobody awaits any more would end the process.
      result.catch(() => undefined)
      ready.push(result)
    }
  }
  for (fill(); ready.length > 0; ) {
    const since = performance.now()
    const result = await ready.shift()!
    const waitedMs = performance.now() - since
    fill()
    yield { result, waitedMs }
  }
}
