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
  const before = process.stdout.listeners("error")
  try {
    const code = await main(args)
    return { ...written, code }
  } finally {
    for (const spy of spies) spy.mockRestore()
    for (const listener of process.stdout.listeners("error")) {
      if (!before.includes(listener)) process.stdout.off("error", listener as () => void)
    }
  }
}
