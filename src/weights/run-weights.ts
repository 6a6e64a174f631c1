import { existsSync, statSync } from "node:fs"
import { join } from "node:path"
import { DataError } from "../core/errors.js"

/**
 * The weights file that a path means: of a training run's folder the best, or the last where no validation has chosen any.
 * @throws DataError for a folder that is no run's
 */
export function weightsIn(path: string): string {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return path
  const files = [join(path, "weights"), path].flatMap((folder) =>
    ["best", "last"].map((name) => join(folder, `${name}.safetensors`)),
  )
  const found = files.find((file) => existsSync(file))
  if (found !== undefined) return found
  throw new DataError(`${path}: expected a weights file, or the folder of a training run, which has ${files[1]}`)
}
