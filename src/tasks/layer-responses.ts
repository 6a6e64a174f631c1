import { extname } from "node:path"
import { withoutEnding } from "../../datasets/folder.js"
import type { LabelledSet } from "../../datasets/labelled-set.js"
import { readLabelled } from "../../datasets/read-labelled.js"
import { decodedBatches } from "../classify/decoded-batches.js"
import { type LayerResponse, ResponseMeter } from "../classify/responses.js"
import { cropSizes } from "../classify/test-crops.js"
import { DataError, UsageError } from "../core/errors.js"
import { shortNames } from "../core/short-names.js"
import { expectPlace, writeWhole } from "../core/write-whole.js"
import { startEngine } from "../engine/start.js"
import type { Line } from "../report/chart.js"
import { plotSvg } from "../train/plot.js"
import { type OpenClassifier, openClassifier } from "../weights/open-model.js"
import { csvField } from "./class-lines.js"
import { parseOptions } from "./config.js"
import { countOff, type Listener, listenerOf, type TaskHooks } from "./hooks.js"
import { listOf } from "./open-scorer.js"
import { type LayerResponsesOptions, layerResponsesSchema } from "./options/classify.js"
import { withFiles } from "./with-files.js"

/** One classifier's name in table and plot (several have their files' in brackets), with what was measured. */
interface NetworkResponses {
  readonly name: string
  readonly responses: readonly LayerResponse[]
}

export interface LayerResponses {
  readonly networks: readonly NetworkResponses[]
  /** Images of the split, and how many of them could not be read. */
  readonly images: number
  readonly failed: number
  /** The table and the plot, where they were asked for. */
  readonly files: readonly string[]
}

/**
 * Measures how strongly each 3x3 layer answers, the paper's Fig. 7.
 * @throws DataError for data or weights that are not what they should be, the signal's reason when it ends early, an
 *   UnwrittenError with what was measured when the table or the plot cannot be written at the end
 */
export async function layerResponses(options: LayerResponsesOptions, hooks: TaskHooks = {}): Promise<LayerResponses> {
  const config = parseOptions("layerResponses", layerResponsesSchema, options)
  const { data, split, out, batch, engine, followLinks } = config
  if (out !== undefined && extname(out) === ".svg") {
    throw new UsageError(`${out}: expected the table's name as out; the plot is put beside it as .svg`)
  }
  if (out !== undefined) expectPlace(out)
  const listener = listenerOf(hooks)
  const set = await readLabelled(data, { split, followLinks })
  listener.log(`engine: ${await startEngine(engine)}`)
  const weights = listOf(config.weights)
  const files = shortNames(weights)
  const networks: NetworkResponses[] = []
  let failed = 0
  for (const [i, path] of weights.entries()) {
    const classifier = openClassifier(path)
    try {
      const result = await responsesOf(classifier, set, batch, countOff(listener, path), listener)
      failed = result.failed
      const { network } = classifier.config
      const name = weights.length > 1 ? `${network} (${withoutEnding(files[i]!)})` : network
      networks.push({ name, responses: result.responses })
    } finally {
      classifier.parameters.dispose()
    }
  }
  const measured = { networks, images: set.labels.length, failed }
  if (out === undefined) return { ...measured, files: [] }
  const plot = `${withoutEnding(out)}.svg`
  return withFiles({ ...measured, files: [out, plot] }, () => {
    writeWhole(out, table(networks))
    writeWhole(plot, plotSvg(charts(networks)))
  })
}

async function responsesOf(
  { network, config }: OpenClassifier,
  set: LabelledSet,
  batch: number,
  told: (done: number, total: number) => void,
  { log }: Listener,
): Promise<{ responses: LayerResponse[]; failed: number }> {
  const meter = new ResponseMeter(network, config, cropSizes(config))
  let failed = 0
  for await (const part of decodedBatches(set, batch)) {
    for (const { name, message } of part.failed) log(`${name}: skipped: ${message}`)
    failed += part.failed.length
    if (part.images.length > 0) await meter.add(part.images)
    told(part.end, set.labels.length)
  }
  if (failed === set.labels.length) throw new DataError(`${set.source}: no image could be read`)
  return { responses: meter.responses(), failed }
}

/** A line a layer: its place from the image on, and its rank by deviation, both from 1. */
function table(networks: readonly NetworkResponses[]): string {
  const lines = networks.flatMap(({ name, responses }) => {
    const sorted = [...responses].sort((a, b) => b.deviation - a.deviation)
    return responses.map((response, i) =>
      [csvField(name), i + 1, response.layer, response.deviation, sorted.indexOf(response) + 1].join(","),
    )
  })
  return `${["network,position,layer,deviation,rank", ...lines].join("\n")}\n`
}

function charts(networks: readonly NetworkResponses[]) {
  const lines = (order: (deviations: number[]) => number[]): Line[] =>
    networks.map(({ name, responses }) => ({
      name,
      points: order(responses.map(({ deviation }) => deviation)).map((deviation, i) => [i + 1, deviation] as const),
    }))
  return [
    { title: "Standard deviation of 3x3 layers, in their order", along: "layer", lines: lines((all) => all) },
    { title: "The same, sorted", along: "rank", lines: lines((all) => all.sort((a, b) => b - a)) },
  ]
}
