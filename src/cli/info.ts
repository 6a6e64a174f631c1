import { shown, visible } from "../core/shown.js"
import { describeNorms } from "../detector/model.js"
import type { Description, GraphDescription, ModelDescription, WeightsDescription } from "../tasks/describe-model.js"
import { describeModelSchema } from "../tasks/options/describe-model.js"
import { metadataKeys } from "../weights/metadata-keys.js"
import type { DetectorInfo } from "../weights/model-info.js"
import { alignColumns } from "./columns.js"
import { defineCommand } from "./command.js"

export const command = defineCommand({
  schema: describeModelSchema,
  operands: ["model"],
  async run(options) {
    const { describeModel } = await import("../tasks/describe-model.js")
    const description = await describeModel(options)
    return { text: lines(description).join("\n"), document: documentOf(description) }
  },
})

/** What a model's metadata say already is not said twice. */
function documentOf(description: Description): object {
  if (description.kind === "onnx") return { file: description.file, metadata: description.metadata }
  if (description.kind === "weights") {
    const { kind: _, detector: __, classifier: ___, ...document } = description
    return document
  }
  const { kind: _, ...document } = description
  return document
}

function lines(description: Description): string[] {
  if (description.kind === "onnx") return graphLines(description)
  return description.kind === "weights" ? weightsLines(description) : modelLines(description)
}

function graphLines({ file, bytes, metadata, detector }: GraphDescription): string[] {
  return [
    `${file}: ONNX graph, ${(bytes / 1e6).toFixed(1)} MB`,
    ...(detector === undefined ? [] : detectorLines(detector)),
    ...notesOf(metadata, detector && metadataKeys.detector),
  ]
}

function weightsLines(description: WeightsDescription): string[] {
  const { file, parameters, metadata, origin, tensors, detector, classifier } = description
  const told = (detector && metadataKeys.detector) ?? (classifier && metadataKeys.classifier)
  const rows = tensors.map(({ name, dtype, shape }) => [name, shown(dtype), shown(`[${shape.join(", ")}]`)])
  return [
    `${file}: ${tensors.length} tensors`,
    ...(detector === undefined ? [] : detectorLines(detector)),
    ...(classifier === undefined ? [] : classifierLines(classifier)),
    ...(origin === undefined ? [] : [originLine(origin)]),
    ...notesOf(metadata, told),
    ...alignColumns(rows, 3),
    totals(parameters),
  ]
}

/** What the file of another tool says of its network. */
function originLine(origin: NonNullable<WeightsDescription["origin"]>): string {
  const { name, network, strideIn, doubt, shortcut, colors, input } = origin
  const stride = strideIn === undefined ? `stride in doubt (${doubt})` : `stride in the ${strideIn}`
  const [mean, std] = [input.mean, input.std].map((values) => values.map((one) => Number(one.toFixed(5))).join(", "))
  return `${network}, ${name}'s: ${stride}, shortcuts ${shortcut}, ${colors.toUpperCase()}, mean ${mean}, std ${std}`
}

/** @param told the key of what has been told in other words */
const notesOf = (metadata: Readonly<Record<string, unknown>>, told: string | undefined): string[] =>
  Object.entries(metadata)
    .filter(([key]) => key !== told)
    .map(note)

function detectorLines({ config, classes, training }: DetectorInfo): string[] {
  const { model, size, maxSize, strideIn, shortcut, frozen } = config
  const figures = Object.entries(training ?? {}).filter(([, value]) => typeof value === "number")
  return [
    `detector ${model}: shorter side ${size}, longer side up to ${maxSize}, ${classes.length} classes`,
    `${describeNorms(config)}, stride in the ${strideIn}, shortcuts ${shortcut}, ${frozen} parts frozen`,
    ...(figures.length === 0
      ? []
      : [`trained: ${figures.map(([key, value]) => `${key} ${rounded(value)}`).join(", ")}`]),
    `classes: ${classes.map(shown).join(", ")}`,
  ]
}

const rounded = (value: unknown): number => Number((value as number).toPrecision(4))

function classifierLines({ config, classes, training }: NonNullable<WeightsDescription["classifier"]>): string[] {
  const { network, options, size, mean, std, meanPicture } = config
  return [
    `classifier ${network}: input ${size}x${size}, ${classes.length} classes`,
    `mean${meanPicture ? " (of the picture input.mean)" : ""}: ${mean.join(", ")}; std: ${std.join(", ")}`,
    ...Object.entries({ ...options, ...training }).map(note),
    `classes: ${classes.map(shown).join(", ")}`,
  ]
}

/** A description of classes may be long, and is shown in full: it is the user's own model as a rule. */
const note = ([name, value]: readonly [string, unknown]): string =>
  `${shown(name)}: ${visible(typeof value === "string" ? value : JSON.stringify(value))}`

function modelLines({ model, inputSize, classes, layers, parameters, multiplyAdds }: ModelDescription): string[] {
  const [height, width] = inputSize
  return [
    `${model}: input ${height}x${width}, ${classes} classes`,
    ...table(layers),
    totals(parameters),
    `${(multiplyAdds / 1e9).toFixed(3)} billion multiply-adds`,
  ]
}

function table(layers: ModelDescription["layers"]): string[] {
  const cells = layers.map((layer) => [
    layer.name,
    `${layer.kernel}x${layer.kernel}${layer.stride > 1 ? ` / ${layer.stride}` : ""}`,
    `${layer.in} -> ${layer.out}`,
    layer.size.join("x"),
    layer.parameters.toLocaleString("en-US"),
    `${(layer.multiplyAdds / 1e6).toFixed(1)} M`,
  ])
  const all = [["layer", "window", "channels", "output", "parameters", "multiply-adds"], ...cells]
  return alignColumns(all, 3)
}

const totals = (parameters: number): string => `${parameters.toLocaleString("en-US")} parameters`
