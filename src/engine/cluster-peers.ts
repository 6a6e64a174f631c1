import { connect } from "node:net"
import { setTimeout } from "node:timers/promises"

/** Where an address leads to this machine alone. */
export const isLoopback = (address: string): boolean => /^(127\.[\d.]+|localhost|\[::1\]):\d+$/.test(address)

/** So long a process that lives takes at most to let another one in. */
const answerMs = 2000

/**
 * Which processes a failed collective was for.
 * @param message TensorFlow's
 * @returns their ranks, and what is the matter with them
 */
export async function whoIsGone(
  message: string,
  addresses: readonly string[],
  own: number,
): Promise<{ readonly ranks: readonly number[]; readonly why: string }> {
  const others = addresses.flatMap((address, rank) => (rank === own ? [] : [{ address, rank }]))
  const isSilent = /heartbeat/i.test(message)
  // One that was killed may have its port for a moment still; one that is stopped keeps it.
  for (const waitMs of isSilent ? [0] : [0, 100, 200, 400, 800, 1600]) {
    await setTimeout(waitMs)
    const asked = await Promise.all(others.map(async ({ address, rank }) => ((await isThere(address)) ? [] : [rank])))
    const ended = asked.flat()
    if (ended.length > 0) return { ranks: ended, why: ended.length === 1 ? "has ended" : "have ended" }
  }
  const silent = [...message.matchAll(/\/job:worker\/replica:0\/task:(\d+)/g)].map(([, rank]) => Number(rank))
  if (isSilent) {
    const ranks = [...new Set(silent)].filter((rank) => rank !== own && rank < addresses.length)
    return { ranks: ranks.length > 0 ? ranks : own === 0 ? [] : [0], why: "does not answer" }
  }
  return { ranks: [], why: "" }
}

function isThere(address: string): Promise<boolean> {
  const [, host, port] = /^\[?(.*?)\]?:(\d+)$/.exec(address)!
  return new Promise((resolve) => {
    const socket = connect({ host: host!, port: Number(port) })
    const answer = (isOpen: boolean) => {
      socket.destroy()
      resolve(isOpen)
    }
    socket.setTimeout(answerMs, () => answer(true))
    socket.once("connect", () => answer(true))
    socket.once("error", ({ code }: NodeJS.ErrnoException) => answer(code !== "ECONNREFUSED"))
  })
}
