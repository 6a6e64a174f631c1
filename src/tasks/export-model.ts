import { callOf } from "../core/own-package.js"
import { type WrittenGraph, writeOnnx } from "../onnx/write-onnx.js"
import { checkExport, type ExportCheck } from "../predict/check-export.js"
import { parseOptions } from "./config.js"
import { listenerOf, type TaskHooks } from "./hooks.js"
import { type ExportModelOptions, exportModelSchema } from "./options/export-model.js"

export interface ExportedModel extends WrittenGraph {
  /** What the comparison with the model gave; `null` where it was left out, or ONNX Runtime is not installed. */
  readonly check: ExportCheck | null
}

/**
 * Writes a detector or a classifier as one ONNX file, and compares what it gives with what the model gives.
 * @throws DataError when the weights are neither, UserError when the file differs from the model
 */
export async function exportModel(options: ExportModelOptions, hooks: TaskHooks = {}): Promise<ExportedModel> {
  const {
    weights,
    out,
    score,
    nms,
    check: wanted,
    engine,
    backbone,
  } = parseOptions("exportModel", exportModelSchema, options)
  const { log } = listenerOf(hooks)
  const written = writeOnnx(weights, out, { score, nms }, backbone)
  log(`${out}: written`)
  const check = wanted ? await checkExport(written, engine, backbone) : undefined
  if (wanted && check === undefined) log(`not checked: ONNX Runtime is not set up. Run: ${callOf("setup")}`)
  return { ...written, check: check ?? null }
}
