import { basename, extname } from "node:path"
import type { Command } from "commander"
import type { LabelledSet } from "../../datasets/labelled-set.js"
import type { LayerResponse } from "../classify/responses.js"
import type { EngineChoice } from "../engine/names.js"
import { DataError, UsageError } from "../tensor/errors.js"
import type { Line } from "../train/chart.js"
import type { OpenClassifier } from "../weights/open-model.js"
import { interruption } from "./exit.js"
import { atLeastOneFlag, engineFlag } from "./flags.js"
import { type Progress, startProgress } from "./progress.js"
import { log, print } from "./report.js"

interface ResponseFlags {
  readonly weights: readonly string[]
  readonly data: string
  readonly split: string
  readonly out: string
  readonly batch: number
  readonly engine?: EngineChoice
}

/** `resdet classify responses`: how strongly each 3x3 layer answers, as a table and a plot (the paper's Fig. 7). */
export function configure(command: Command): void {
  command
    .requiredOption("--weights <files...>", "one or several classifiers (.safetensors) to compare")
    .requiredOption("--data <path>", "images to run: a folder of classes, or CIFAR-10's binary files")
    .option("--split <name>", "which part of the data", "val")
    .requiredOption("--out <file.csv>", "the table; the plot stands beside it as .svg")
    .option("--batch <number>", "how many images go through a network at once", atLeastOneFlag, 32)
    .addOption(engineFlag())
    .action(measure)
}

/** One classifier's name in table and plot, with what was measured. */
interface Measured {
  readonly name: string
  readonly responses: readonly LayerResponse[]
}

async function measure({ weights, data, split, out, batch, engine }: ResponseFlags): Promise<void> {
  const [{ readLabelled }, { startEngine }, { openClassifier }, { writeWhole }, { plotSvg }] = await Promise.all([
    import("../../datasets/read-labelled.js"),
    import("../engine/start.js"),
    import("../weights/open-model.js"),
    import("../../datasets/atomic.js"),
    import("./plot.js"),
  ])
  const ending = extname(out)
  if (ending === ".svg")
    throw new UsageError(`--out ${out}: expected the table's name; the plot is put beside it as .svg`)
  const set = readLabelled(data, { split })
  log(`engine: ${await startEngine(engine)}`)
  const signal = interruption()
  const measured: Measured[] = []
  let failed = 0
  for (const path of weights) {
    const classifier = openClassifier(path)
    const progress = startProgress({ label: path, total: set.labels.length })
    try {
      const result = await responsesOf(classifier, set, batch, signal, progress)
      failed = result.failed
      measured.push({ name: nameOf(path, classifier.config.network, weights), responses: result.responses })
    } finally {
      progress.stop()
      classifier.parameters.dispose()
    }
    signal.throwIfAborted()
  }
  const plot = `${out.slice(0, out.length - ending.length)}.svg`
  writeWhole(out, table(measured))
  writeWhole(plot, plotSvg(charts(measured)))
  for (const { name, responses } of measured) {
    const mean = responses.reduce((sum, { deviation }) => sum + deviation, 0) / responses.length
    print(`${name}: ${responses.length} layers, mean deviation ${mean.toFixed(3)}`)
  }
  print(`${out} ${plot}`)
  if (failed > 0) {
    throw new DataError(`${failed} of ${set.labels.length} images could not be read; the others are measured`)
  }
}

async function responsesOf(
  { network, config }: OpenClassifier,
  set: LabelledSet,
  batch: number,
  signal: AbortSignal,
  progress: Progress,
): Promise<{ responses: LayerResponse[]; failed: number }> {
  const [{ ResponseMeter }, { cropSizes }, { decodedBatches }] = await Promise.all([
    import("../classify/responses.js"),
    import("../classify/test-crops.js"),
    import("../classify/decoded-batches.js"),
  ])
  const meter = new ResponseMeter(network, config, cropSizes(config))
  let failed = 0
  for await (const part of decodedBatches(set, batch)) {
    if (signal.aborted) break
    for (const { name, message } of part.failed) progress.line(`${name}: skipped: ${message}`)
    failed += part.failed.length
    if (part.images.length > 0) await meter.add(part.images)
    progress.update(part.end)
  }
  if (failed === set.labels.length) throw new DataError(`${set.source}: no image could be read`)
  return { responses: meter.responses(), failed }
}

/** The network's name, or the file's where two files have the same network. */
function nameOf(path: string, network: string, all: readonly string[]): string {
  return all.length > 1 ? `${network} (${basename(path, extname(path))})` : network
}

/** A line a layer: its place from the image on, and its rank by deviation, both from 1. */
function table(measured: readonly Measured[]): string {
  const lines = measured.flatMap(({ name, responses }) => {
    const sorted = [...responses].sort((a, b) => b.deviation - a.deviation)
    return responses.map((response, i) =>
      [quoted(name), i + 1, response.layer, response.deviation, sorted.indexOf(response) + 1].join(","),
    )
  })
  return `${["network,position,layer,deviation,rank", ...lines].join("\n")}\n`
}

/** As RFC 4180 says. */
function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

function charts(measured: readonly Measured[]) {
  const lines = (order: (deviations: number[]) => number[]): Line[] =>
    measured.map(({ name, responses }) => ({
      name,
      points: order(responses.map(({ deviation }) => deviation)).map((deviation, i) => [i + 1, deviation] as const),
    }))
  return [
    { title: "Standard deviation of 3x3 layers, in their order", along: "layer", lines: lines((all) => all) },
    { title: "The same, sorted", along: "rank", lines: lines((all) => all.sort((a, b) => b - a)) },
  ]
}
