import { type Command, Option } from "commander"
import type { EngineChoice } from "../engine/names.js"
import { engineFlag, fractionFlag } from "./flags.js"
import { log, print } from "./report.js"

interface ExportFlags {
  readonly weights: string
  readonly out: string
  readonly score?: number
  readonly nms?: number
  readonly check: boolean
  readonly engine?: EngineChoice
}

/** `resdet export`: a detector or a classifier as one ONNX file, for any ONNX Runtime. */
export function configure(command: Command): void {
  command
    .requiredOption("--weights <file>", "a detector or a classifier (.safetensors)")
    .addOption(new Option("--format <name>", "of the file to write").choices(["onnx"]).default("onnx"))
    .requiredOption("--out <file>", "the .onnx file to write")
    .option("--score <0..1>", "the file leaves out detections scored lower (default: the model's)", fractionFlag)
    .option(
      "--nms <0..1>",
      "of two boxes of a class with a higher IoU it keeps one (default: the model's)",
      fractionFlag,
    )
    .option("--no-check", "do not compare what the file gives with what the model gives")
    .addOption(engineFlag())
    .action(exportWeights)
}

async function exportWeights({ weights, out, check, engine = "auto", ...bounds }: ExportFlags): Promise<void> {
  const { writeOnnx } = await import("./run-export.js")
  const written = writeOnnx(weights, out, bounds)
  print(written.summary)
  if (!check) return
  const { checkExport } = await import("./check-export.js")
  await checkExport(written, engine, log)
}
