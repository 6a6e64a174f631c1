import { DataError } from "../tensor/errors.js"
import { Parameters } from "../tensor/parameters.js"
import { seededRandom } from "../tensor/random.js"
import { renameOldKeys } from "../tensor/renamed-keys.js"
import { loadWeights, readContents } from "./load.js"

/** Of what stands in the metadata; a file of a newer one is refused. */
const FORMAT = 1

/** What a model tells of itself, as a weights file's metadata under `key`. */
export function infoMetadata(key: string, info: object): Record<string, string> {
  return { [key]: JSON.stringify({ format: FORMAT, ...info }) }
}

/** As `parseInfo`, of the weights file at `path`. */
export function readInfo<Info>(path: string, key: string, what: string): Info | undefined {
  return parseInfo(path, readContents(path).metadata, key, what)
}

/**
 * What the metadata of the file at `path` tell under `key`; `undefined` where they tell nothing.
 * @param what the model, as in "the classifier"
 * @throws DataError where they are broken, or newer than this version
 */
export function parseInfo<Info>(
  path: string,
  metadata: Readonly<Record<string, string>>,
  key: string,
  what: string,
): Info | undefined {
  const text = metadata[key]
  if (text === undefined) return undefined
  let info: Info & { readonly format: number }
  try {
    info = JSON.parse(text)
  } catch (error) {
    throw new DataError(`${path}: its description of ${what} is broken: ${(error as Error).message}`)
  }
  if (info.format === FORMAT) return renameOldKeys(info).tree
  throw new DataError(`${path}: written by a newer version of resdet (format ${info.format})`)
}

/**
 * Builds a model whose every parameter comes from the file at `path`. The engine must have been started.
 * @throws DataError when the file lacks a part
 */
export function fillModel<Model>(
  path: string,
  build: (parameters: Parameters) => Model,
): { readonly model: Model; readonly parameters: Parameters } {
  const parameters = new Parameters(seededRandom(0), loadWeights(path).weights)
  const model = build(parameters)
  const [missing] = parameters.initialised
  if (missing === undefined) return { model, parameters }
  parameters.dispose()
  throw new DataError(`${path}: "${missing}" is missing or has the wrong shape. The file is incomplete`)
}
