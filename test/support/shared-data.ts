import { existsSync } from "node:fs"
import { join, resolve } from "node:path"

/** Asked for by RESDET_DATA, the data must be there; empty or absent, they may be missing. */
const asked = process.env.RESDET_DATA || undefined
const folder = resolve(asked ?? join(import.meta.dirname, "../../../shared/data"))

/** For `test.skipIf`: true, with a printed reason, where the data folder is missing and nobody asked for it. */
export const withoutSharedData = !existsSync(folder) && asked === undefined
if (withoutSharedData) process.stderr.write(`skipped: tests on real data, as ${folder} is missing (set RESDET_DATA)\n`)

/** A path in the folder of real data, which lies beside the repository or where RESDET_DATA says. */
export const sharedData = (...parts: readonly string[]): string => join(folder, ...parts)
