import type { Peers } from "../../src/train/agreement.js"

/** So many processes that train together, all of them here: an exchange is over when all have come to it. */
export function peersOf(size: number): Peers[] {
  const open: { values: unknown[]; done: Promise<void>; resolve: () => void }[] = []
  const at = (round: number) => {
    if (open[round] === undefined) {
      const { promise, resolve } = withResolvers()
      open[round] = { values: [], done: promise, resolve }
    }
    return open[round]!
  }
  return Array.from({ length: size }, (_, rank) => {
    let rounds = 0
    return {
      ...{ rank, size },
      async exchange<Value>(value: Value): Promise<Value[]> {
        const round = at(rounds++)
        round.values[rank] = structuredClone(value)
        if (Object.keys(round.values).length === size) round.resolve()
        await round.done
        return round.values as Value[]
      },
    }
  })
}

function withResolvers() {
  let resolve = () => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}
