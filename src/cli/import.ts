import { type Command, InvalidArgumentError } from "commander"
import { networkSpec } from "../backbone/networks.js"
import { DataError } from "../tensor/errors.js"
import { expectedShapes } from "../weights/expected.js"
import { loadWeights } from "../weights/load.js"
import { writeSafetensors } from "../weights/safetensors.js"
import { toTorchAxes } from "../weights/torchvision.js"
import { print } from "./report.js"

interface ImportFlags {
  readonly model: string
  readonly out: string
  readonly allowMissing?: boolean
  readonly strideIn: "3x3" | "1x1"
  readonly zeros?: "after" | "both"
}

/** `resdet import`: a classifier's PyTorch or safetensors file, checked against a model, as our safetensors file. */
export function configure(command: Command): void {
  command
    .argument("<file>", "a .pth, .pt, .th or .safetensors file; nothing in it is executed")
    .requiredOption("--model <name>", "the network it is for, such as resnet50 or cifar_resnet20")
    .requiredOption("--out <file>", "the .safetensors file to write")
    .option("--allow-missing", "write it even where parameters are missing or have another shape")
    .option(
      "--stride-in <where>",
      "stride of bottleneck blocks: 3x3 (torchvision) or 1x1 (the paper)",
      strideFlag,
      "3x3",
    )
    .option("--zeros <where>", "where a CIFAR network's shortcuts have their zero channels: after or both", zerosFlag)
    .action(importWeights)
}

function importWeights(file: string, { model, out, allowMissing = false, strideIn, ...flags }: ImportFlags): void {
  const spec = networkSpec(model, { strideIn })
  // pytorch_resnet_cifar10 calls the last layer `linear` and pads its shortcuts on both sides.
  let zeros = flags.zeros ?? "after"
  const rename = (name: string) => {
    if (!name.startsWith("linear.")) return name
    zeros = flags.zeros ?? "both"
    return name.replace("linear.", "fc.")
  }
  const { weights } = loadWeights(file, { rename, norm: "batch" })
  const classes = weights.get("fc.bias")?.shape[0] ?? spec.classes
  const expected = expectedShapes(spec, classes)
  const faults = [...expected].flatMap(([name, shape]) => {
    const given = weights.get(name)?.shape
    if (given === undefined) return [`${name} is missing`]
    return String(given) === String(shape) ? [] : [`${name} is [${given}], expected [${shape}]`]
  })
  if (faults.length > 0 && !allowMissing) {
    const more = faults.length > 3 ? ` and ${faults.length - 3} more` : ""
    throw new DataError(
      `${file}: does not fill ${model}: ${faults.slice(0, 3).join(", ")}${more}. Take part of it with --allow-missing`,
    )
  }
  const fitting = [...weights].filter(([name, { shape }]) => String(expected.get(name)) === String(shape))
  const hasZeros = spec.stages.flat().some(({ shortcut }) => typeof shortcut !== "string" && "zeros" in shortcut)
  const metadata = { model, classes: String(classes), strideIn, ...(hasZeros ? { zeros } : {}) }
  writeSafetensors(
    out,
    fitting.map(([name, weight]) => [name, toTorchAxes(weight)] as const),
    metadata,
  )
  print(`${out}: ${fitting.length} of ${expected.size} tensors of ${model}, ${classes} classes`)
  if (hasZeros)
    print(`shortcuts with zero channels ${zeros === "both" ? "on both sides" : "after the others"} (--zeros)`)
  const left = [...weights.keys()].filter((name) => !expected.has(name))
  if (left.length > 0) print(`left out ${left.length}: ${left.slice(0, 8).join(", ")}${left.length > 8 ? ", ..." : ""}`)
}

function strideFlag(text: string): "3x3" | "1x1" {
  if (text !== "3x3" && text !== "1x1") throw new InvalidArgumentError("Expected 3x3 or 1x1.")
  return text
}

function zerosFlag(text: string): "after" | "both" {
  if (text !== "after" && text !== "both") throw new InvalidArgumentError("Expected after or both.")
  return text
}
