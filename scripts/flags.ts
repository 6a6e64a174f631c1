import { readFileSync } from "node:fs"
import { type ParseArgsConfig, parseArgs } from "node:util"
import { reportFailure } from "../src/cli/main.js"
import { print } from "../src/cli/report.js"
import { UsageError } from "../src/core/errors.js"

/**
 * The flags of the script that is running, as `parseArgs` of Node reads them. `--help` prints the comment at the script's head and
 * ends. From here on whatever ends the script does it as a command of resdet would: one line for the user's mistakes, and their exit code.
 */
export function parseFlags<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  process.on("uncaughtException", (error) => process.exit(reportFailure(error)))
  if (process.argv.slice(2).includes("--help")) {
    print(headOf(process.argv[1]!))
    process.exit(0)
  }
  try {
    return parseArgs(config)
  } catch (error) {
    if (error instanceof TypeError)
      throw new UsageError(`${error.message.split(". To specify")[0]}; --help tells of all`)
    throw error
  }
}

/** The text of the first comment of a script. */
function headOf(file: string): string {
  const [, head = ""] = /^\/\*\*\n(.*?)\n \*\//ms.exec(readFileSync(file, "utf8")) ?? []
  return head.replace(/^ \* ?/gm, "")
}
