import { DataError } from "../core/errors.js"
import type { OpenFile } from "./open-file.js"
import { unpickle } from "./pickle.js"
import { PickledObjects } from "./pickled-objects.js"
import type { StoredFile } from "./stored.js"
import { chooseTable } from "./tensor-tables.js"
import { readNested } from "./torch-file.js"

/** More than that is not read in one piece, as a pickle with its numbers inside has to be. */
const largest = 2 ** 32 - 1

/**
 * The arrays or tensors of a plain pickle by their names (`.pkl`: detectron2's and Detectron's weights), without executing
 * anything of it.
 * @param key of the table to take, where there are several
 * @throws DataError for a file that is cut off, or holds no table of arrays
 */
export function readNumpyFile(file: OpenFile, key?: string): StoredFile {
  if (file.size > largest) throw new DataError("a pickle of more than 4 GB. Save it as safetensors")
  const root = unpickle(file.read(0, file.size), 0, new PickledObjects(file.size, readNested)).value
  const table = chooseTable(root, key)
  const author: unknown = root instanceof Map ? root.get("__author__") : undefined
  return { tensors: table.tensors, metadata: {}, table, author: typeof author === "string" ? author : undefined }
}
