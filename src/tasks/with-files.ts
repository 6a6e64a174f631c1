import { UnwrittenError } from "../core/errors.js"
import { WriteError } from "../core/write-whole.js"

/**
 * The result of long work, once the files that were asked for beside it are written.
 * @throws UnwrittenError, which holds the result, when one cannot be written
 */
export async function withFiles<Result>(result: Result, write: () => Promise<void> | void): Promise<Result> {
  try {
    await write()
    return result
  } catch (error) {
    throw error instanceof WriteError ? new UnwrittenError(error, result) : error
  }
}
