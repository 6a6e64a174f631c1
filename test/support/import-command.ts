import { UserError } from "../../src/core/errors.js"
import { runCommand } from "./run-command.js"

/**
 * Runs `resdet import` with these arguments in this process; what it prints.
 * @throws UserError with the line that it says when it fails
 */
export async function runImport(...args: string[]): Promise<string> {
  const { out, said, code } = await runCommand("import", ...args)
  if (code !== 0) throw new UserError(said.trimEnd())
  return out
}
