import { existsSync } from "node:fs"
import { rename } from "node:fs/promises"
import { basename, join } from "node:path"
import { UsageError } from "../core/errors.js"
import { cacheFolder } from "../core/own-package.js"
import { didYouMean } from "../core/suggest.js"
import { download } from "../setup/download.js"
import { isWeightsName, type PublishedWeights, publishedWeights, weightsFolder } from "../setup/published-weights.js"
import { weightsIn } from "../weights/run-weights.js"
import type { Listener } from "./hooks.js"
import { importDetector } from "./import-detector.js"

/** The detector that `coco` is. */
const cocoDetector = "fasterrcnn_resnet50_fpn"

interface Wanted {
  /** Of the network that is to be trained; says which backbone `imagenet` is. */
  readonly model?: string | undefined
  readonly offline?: boolean | undefined
  /** Another server that has the files. */
  readonly from?: string | undefined
}

/**
 * The file behind `--weights`: of a run's folder its best weights, another path stays as it is; `imagenet`, `coco` and the names of published weights are fetched into the
 * cache, unless they are there. Naming them is asking for it: nothing else downloads.
 * @throws UserError where one cannot be fetched, with the way to get it by hand
 */
async function weightsFile(given: string, wanted: Wanted, listener: Listener): Promise<string> {
  if (existsSync(given) || !isWeightsName(given)) {
    const file = weightsIn(given)
    if (file !== given) listener.log(`weights: ${file}`)
    return file
  }
  return fetchWeights(given === "imagenet" ? backboneOf(wanted.model) : given, wanted, listener)
}

/** The options of a training with the file of its weights in the place of a name. @param model the network where none is named */
export async function withNamedWeights<
  Options extends {
    readonly weights?: string | undefined
    readonly model?: string | undefined
    readonly offline: boolean
  },
>(options: Options, model: string, listener: Listener): Promise<Options> {
  if (options.weights === undefined) return options
  const wanted = { model: options.model ?? model, offline: options.offline }
  return { ...options, weights: await weightsFile(options.weights, wanted, listener) }
}

/** The files of a detector, or of several. */
export async function weightsFiles(
  given: string | readonly string[],
  offline: boolean,
  listener: Listener,
): Promise<string[]> {
  const files: string[] = []
  for (const one of [given].flat()) files.push(await weightsFile(one, { offline }, listener))
  return files
}

function backboneOf(model: string | undefined): string {
  const backbone = /resnet\d+/.exec(model ?? "")?.[0]
  const names = publishedWeights().map(({ name }) => name)
  if (backbone && names.includes(backbone)) return backbone
  throw new UsageError(
    `--weights imagenet: expected --model with a ResNet that is published, got ${model ?? "none"}. Known: ${names.join(", ")}`,
  )
}

/** @throws UsageError for a name that nothing has */
export function findPublished(name: string, from?: string): PublishedWeights {
  const known = publishedWeights(from)
  const found = known.find((one) => one.name === (name === "coco" ? cocoDetector : name))
  if (found !== undefined) return found
  const all = [...known.map((one) => one.name), "coco"]
  if (name === "imagenet") {
    throw new UsageError(
      `"imagenet" is the backbone that belongs to --model: here give its name. Known: ${all.join(", ")}`,
    )
  }
  throw new UsageError(`unknown weights "${name}".${didYouMean(name, all)} Known: ${all.join(", ")}`)
}

/** Where a published file lies in the cache, and what is made of it: a detector's is imported, so that all commands run it. */
export function placesOf({ file, kind }: PublishedWeights): { readonly fetched: string; readonly used: string } {
  const fetched = join(weightsFolder(cacheFolder()), file)
  return { fetched, used: kind === "detector" ? fetched.replace(/\.pth$/, ".safetensors") : fetched }
}

/** Fetches published weights, unless they are there. */
export async function fetchWeights(name: string, wanted: Wanted, listener: Listener): Promise<string> {
  const weights = findPublished(name, wanted.from)
  const { fetched, used } = placesOf(weights)
  if (used !== fetched && existsSync(used)) return used
  if (!existsSync(fetched) && !wanted.offline) {
    listener.log(`fetching ${weights.url} (${weights.megabytes} MB; ${weights.licence})`)
  }
  await download(weights, fetched, {
    offline: wanted.offline ?? false,
    signal: listener.signal,
    onLog: listener.log,
    onProgress: megabytesTold(listener, `fetch ${name}`, weights.megabytes),
  })
  if (used !== fetched) {
    listener.log(`importing ${basename(fetched)}`)
    const out = `${used}.${process.pid}`
    await importDetector(fetched, {
      ...{ out, model: weights.model, names: undefined, key: undefined },
      ...{ strideIn: undefined, mean: undefined, std: undefined },
    })
    await rename(out, used)
  }
  return used
}

/** Tells a download's progress in whole megabytes. */
export function megabytesTold(listener: Listener, job: string, about: number) {
  let last = -1
  return (done: number, total: number | undefined) => {
    const now = Math.floor(done / 1e6)
    if (now === last) return
    last = now
    const all = Math.max(now, Math.floor((total ?? about * 1e6) / 1e6))
    listener.progress({ job, done: now, total: all, unit: "MB" })
  }
}
