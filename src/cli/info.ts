import { shown, visible } from "../core/shown.js"
import type { Description, GraphDescription, ModelDescription, WeightsDescription } from "../tasks/describe-model.js"
import { describeModelSchema } from "../tasks/options/describe-model.js"
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

/** What a classifier's metadata say already is not said twice. */
function documentOf(description: Description): object {
  if (description.kind === "onnx") return { file: description.file, metadata: description.metadata }
  if (description.kind === "weights") {
    const { kind: _, classifier: __, ...document } = description
    return document
  }
  const { kind: _, ...document } = description
  return document
}

function lines(description: Description): string[] {
  if (description.kind === "onnx") return graphLines(description)
  return description.kind === "weights" ? weightsLines(description) : modelLines(description)
}

function graphLines({ file, bytes, metadata }: GraphDescription): string[] {
  return [`${file}: ONNX graph, ${(bytes / 1e6).toFixed(1)} MB`, ...Object.entries(metadata).map(note)]
}

function weightsLines({ file, parameters, metadata, origin, tensors, classifier }: WeightsDescription): string[] {
  const notes = Object.entries(metadata).filter(([key]) => classifier === undefined || key !== "resdet_classifier")
  const rows = tensors.map(({ name, dtype, shape }) => [name, shown(dtype), shown(`[${shape.join(", ")}]`)])
  return [
    `${file}: ${tensors.length} tensors`,
    ...(classifier === undefined ? [] : classifierLines(classifier)),
    ...(origin === undefined ? [] : [originLine(origin)]),
    ...notes.map(note),
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
