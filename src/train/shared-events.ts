import type { Cluster } from "../engine/cluster.js"
import type { RunEvents } from "./run-events.js"

/** The events of a run of several processes: the first one keeps and tells; what it finds there all get to know. */
export function sharedEvents(
  cluster: Pick<Cluster, "exchange" | "share">,
  /** The first process's; undefined in the others. */
  events: RunEvents | undefined,
): RunEvents {
  return {
    ...(events ?? silent),
    async onBest(...args) {
      const [isKept] = await cluster.exchange((await events?.onBest(...args)) ?? false)
      return isKept!
    },
    async epochStart() {
      return await cluster.share(await events?.epochStart?.())
    },
  }
}

const silent = { onStep: async () => {}, onEpoch: async () => {}, onSave: async () => {} }
