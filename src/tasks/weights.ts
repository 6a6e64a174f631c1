import { existsSync } from "node:fs"
import { publishedWeights } from "../setup/published-weights.js"
import { parseOptions } from "./config.js"
import { listenerOf, type TaskHooks } from "./hooks.js"
import { fetchWeights, findPublished, placesOf } from "./named-weights.js"
import { type GetWeightsOptions, getWeightsSchema, whereWeightsSchema } from "./options/weights.js"

/** Weights that can be had by name. */
export interface NamedWeights {
  readonly name: string
  readonly kind: "classifier" | "detector"
  readonly megabytes: number
  readonly accuracy: string
  readonly licence: string
  readonly url: string
  /** Where the file is that commands use, or will be. */
  readonly path: string
  readonly isThere: boolean
}

/** All weights that can be had by name. */
export function listWeights(): NamedWeights[] {
  return publishedWeights().map(({ name }) => whereWeights({ name }))
}

/** Fetches weights, unless they are there, and returns the file to use. @throws UserError where that fails, with the way by hand */
export async function getWeights(options: GetWeightsOptions, hooks: TaskHooks = {}): Promise<NamedWeights> {
  const { name, from, offline } = parseOptions("getWeights", getWeightsSchema, options)
  await fetchWeights(name, { from, offline }, listenerOf(hooks))
  return whereWeights({ name })
}

/** What there is to know of weights. @throws UsageError for an unknown name */
export function whereWeights(options: { readonly name: string }): NamedWeights {
  const weights = findPublished(parseOptions("whereWeights", whereWeightsSchema, options).name)
  const { name, kind, megabytes, accuracy, licence, url } = weights
  const path = placesOf(weights).used
  return { name, kind, megabytes, accuracy, licence, url, path, isThere: existsSync(path) }
}
