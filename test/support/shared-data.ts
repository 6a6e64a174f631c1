import { existsSync } from "node:fs"
import { join, resolve } from "node:path"

const folder = resolve(process.env.RESDET_DATA ?? join(import.meta.dirname, "../../../shared/data"))
const asked = process.env.RESDET_DATA !== undefined || Boolean(process.env.CI)

/** For `test.skipIf`: true, with a printed reason, where the data folder is missing and nobody asked for it. */
export const withoutSharedData = !existsSync(folder) && !asked
if (withoutSharedData) process.stderr.write(`skipped: tests on real data, as ${folder} is missing (set RESDET_DATA)\n`)

/** A path in the folder of real data, which lies beside the repository or where RESDET_DATA says. */
export const sharedData = (path: string): string => join(folder, path)
