import { vi } from "vitest"
import { main } from "../../src/cli/main.js"

/** Runs the command line in this process: what it wrote to stdout and to stderr, and the code it ends with. */
export async function runCommand(...args: readonly string[]): Promise<{ out: string; said: string; code: number }> {
  const written = { out: "", said: "" }
  const keep = (where: keyof typeof written) => (text: unknown) => {
    written[where] += String(text)
    return true
  }
  const spies = [
    vi.spyOn(process.stdout, "write").mockImplementation(keep("out")),
    vi.spyOn(process.stderr, "write").mockImplementation(keep("said")),
  ]
  // What a process that ends needs not take away.
  const undo = [
    ...[process.stdout, process.stderr].map((stream) => listenersOf(stream, "error")),
    ...["SIGINT", "SIGTERM", "SIGHUP"].map((signal) => listenersOf(process, signal)),
  ]
  try {
    const code = await main(args)
    return { ...written, code }
  } finally {
    for (const spy of spies) spy.mockRestore()
    for (const restore of undo) restore()
  }
}

/** Takes away, when called, the listeners that were added since. */
function listenersOf(emitter: NodeJS.EventEmitter, event: string): () => void {
  const before = emitter.listeners(event)
  return () => {
    for (const listener of emitter.listeners(event)) {
      if (!before.includes(listener)) emitter.off(event, listener as () => void)
    }
  }
}
