import { DataError } from "../core/errors.js"
import type { Parameters } from "../core/parameters.js"
import { shown } from "../core/shown.js"
import type { Checkpoint } from "./checkpoint.js"
import { plainName, severalNetworks } from "./names.js"

/** What became of a file's tensors and a model's parameters, by name. */
export interface LoadReport {
  readonly loaded: readonly string[]
  /** Made anew: absent in the file, or there with another shape. */
  readonly initialised: readonly string[]
  /** In the file with another shape. */
  readonly mismatched: readonly string[]
  /** In the file, and nowhere in the model. */
  readonly unused: readonly string[]
}

/** Call it when the whole model has been built. */
export function loadReport(parameters: Parameters): LoadReport {
  const { loaded, initialised, mismatched } = parameters
  return { loaded, initialised, mismatched, unused: parameters.unused() }
}

/**
 * Every trainer's rule for weights to start from: some layer behind the stem must come from them.
 * @param network such as `resnet18`, for the message
 * @returns the report
 * @throws DataError when none does, with the reason
 */
export function expectFit(checkpoint: Checkpoint, parameters: Parameters, network: string): LoadReport {
  const report = loadReport(parameters)
  if (report.loaded.some((name) => /^layer\d+\..*conv\d\.weight$/.test(plainName(name)))) return report
  const reason = whyNothingFits(checkpoint, report)
  parameters.dispose()
  throw new DataError(`${checkpoint.path}: nothing in it fits a ${network}. ${reason}`)
}

function whyNothingFits({ tensors }: Checkpoint, { mismatched }: LoadReport): string {
  const names = [...tensors.keys()]
  const several = severalNetworks(names)
  if (several) return `It ${several.text}. Take one of them: resdet import --key ${several.keys[0]}`
  const other = mismatched.find((name) => name.endsWith("weight"))
  if (other !== undefined) return `It is another architecture: "${other}" has another shape`
  const some = names.slice(0, 3).map((name) => `"${shown(name)}"`)
  return `It is another architecture, or names its layers otherwise: ${some.join(", ")}. Expected torchvision's names`
}

/** The report as lines: how many of what, by stage or layer; the layers by name where they are few. */
export function describeReport(report: LoadReport): string {
  const lines = [`loaded ${report.loaded.length} of ${report.loaded.length + report.initialised.length} parameters`]
  if (report.loaded.length > 0) lines[0] += `: ${groups(report.loaded, 0)}`
  for (const [title, names] of [
    ["initialised", report.initialised],
    ["another shape in the file", report.mismatched],
    ["unused in the file", report.unused],
  ] as const) {
    if (names.length > 0) lines.push(`${title} ${names.length}: ${groups(names, 12)}`)
  }
  return lines.join("\n")
}

/** `backbone.layer1 (8)`, with the layers' names where a group has at most `most` of them. */
function groups(names: readonly string[], most: number): string {
  const byStage = new Map<string, string[]>()
  for (const name of names) {
    const layer = shown(name.slice(0, name.lastIndexOf(".")))
    const stage = /^(.*?layer\d+)\./.exec(name)?.[1] ?? layer
    byStage.set(stage, [...(byStage.get(stage) ?? []), layer])
  }
  const texts = [...byStage].map(([stage, layers]) => {
    const inner = [...new Set(layers)].map((layer) => layer.slice(stage.length + 1)).filter((layer) => layer !== "")
    return inner.length > 0 && inner.length <= most ? `${stage} (${inner.join(" ")})` : `${stage} (${layers.length})`
  })
  return texts.join(", ")
}
