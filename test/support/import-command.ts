import { Command } from "commander"
import { vi } from "vitest"
import { configure } from "../../src/cli/import.js"

/** Runs `resdet import` with these arguments in this process; what it prints. */
export async function runImport(...args: string[]): Promise<string> {
  const written: string[] = []
  const spy = vi.spyOn(process.stdout, "write").mockImplementation((text) => written.push(String(text)) > 0)
  try {
    const command = new Command("import").exitOverride().configureOutput({ outputError: () => {} })
    configure(command)
    await command.parseAsync(args, { from: "user" })
  } finally {
    spy.mockRestore()
  }
  return written.join("")
}
