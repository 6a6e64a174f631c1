import { renameSync, rmSync } from "node:fs"
import { extname } from "node:path"
import { UsageError, UserError } from "../core/errors.js"
import { callOf } from "../core/own-package.js"
import { expectPlace, partBeside } from "../core/write-whole.js"
import { type WrittenGraph, writeOnnx } from "../onnx/write-onnx.js"
import { checkExport, type ExportCheck } from "../predict/check-export.js"
import { parseOptions } from "./config.js"
import { countOff, listenerOf, type TaskHooks } from "./hooks.js"
import { type ExportModelOptions, exportModelSchema } from "./options/export-model.js"
import { webPage } from "./web-page.js"

export interface ExportedModel extends WrittenGraph {
  /** What the comparison with the model gave; `null` where it was left out, or ONNX Runtime is not installed. */
  readonly check: ExportCheck | null
}

/**
 * Writes a detector or a classifier as one ONNX file, and compares what it gives with what the model gives; with the format
 * `web` a detector as a folder with a page that runs it in a browser.
 * @throws DataError when the weights are neither, UserError when the file differs from the model
 */
export async function exportModel(options: ExportModelOptions, hooks: TaskHooks = {}): Promise<ExportedModel> {
  const given = parseOptions("exportModel", exportModelSchema, options)
  const { weights, format, out, score, nms, check: wanted, engine, backbone } = given
  const listener = listenerOf(hooks)
  const { log } = listener
  const place = format === "web" ? webPage : inPlace
  const write = async (beside: string) => {
    const written = writeOnnx(weights, beside, { score, nms }, backbone)
    if (format === "web" && written.kind !== "detector") {
      throw new UsageError(`export: --format web goes with detectors; ${weights} is a ${written.kind}`)
    }
    const onImage = countOff(listener, "compare")
    const check = wanted ? await checkExport(written, engine, { backbone, nms, onImage }) : undefined
    return { written: { ...written, out }, check }
  }
  const { written, check } = await place(out, (beside) => named(out, beside, write(beside)))
  log(`${out}: written`)
  if (wanted && check === undefined) log(`not checked: ONNX Runtime is not set up. Run: ${callOf("setup")}`)
  return { ...written, check: check ?? null }
}

/** @throws what went wrong, by the name that the user gave */
async function named<Result>(out: string, beside: string, result: Promise<Result>): Promise<Result> {
  try {
    return await result
  } catch (error) {
    if (error instanceof UserError) error.message = error.message.replaceAll(beside, out)
    throw error
  }
}

/** A file that is made beside its place and put there when all has gone well: one that fails its check never stands there. */
async function inPlace<Result>(out: string, make: (beside: string) => Promise<Result>): Promise<Result> {
  expectPlace(out)
  const ending = extname(out)
  // What has another ending is refused by name.
  const beside = ending === ".onnx" ? `${partBeside(out)}${ending}` : out
  try {
    const result = await make(beside)
    renameSync(beside, out)
    return result
  } catch (error) {
    rmSync(beside, { force: true })
    throw error
  }
}
