import { existsSync } from "node:fs"
import { join, resolve } from "node:path"

const asked = process.env.RESDET_DATA !== undefined || process.env.CI !== undefined
const root = resolve(process.env.RESDET_DATA ?? join(import.meta.dirname, "../../../../shared/data"))

/** True where the real data is neither there nor asked for (`RESDET_DATA`, `CI`); says so once. */
export const dataAbsent = !existsSync(root) && !asked
if (dataAbsent) process.stderr.write("Real data not found (set RESDET_DATA): the tests that need it are skipped.\n")

/** A path in the folder of real data. @throws Error when it is not there */
export function dataPath(...parts: readonly string[]): string {
  const path = join(root, ...parts)
  if (!existsSync(path)) throw new Error(`dataPath: expected ${path}. Set RESDET_DATA to the folder of real data.`)
  return path
}
