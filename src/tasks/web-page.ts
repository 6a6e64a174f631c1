import { copyFileSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs"
import { createRequire } from "node:module"
import { basename, dirname, join } from "node:path"
import { UsageError, UserError } from "../core/errors.js"
import { findFetched } from "../core/fetched-package.js"
import { callOf, packageFolder } from "../core/own-package.js"
import { makeFolder, partBeside, writeWhole } from "../core/write-whole.js"

const modelFile = "detector.onnx"
const pageFiles = ["page.css", "page.js", "worker.js"]
/** For browsers with a GPU, and for all others: a visitor's browser loads one of the two. */
const runtimeFiles = [
  "ort.webgpu.min.mjs",
  "ort-wasm-simd-threaded.asyncify.mjs",
  "ort-wasm-simd-threaded.asyncify.wasm",
  "ort.wasm.min.mjs",
  "ort-wasm-simd-threaded.mjs",
  "ort-wasm-simd-threaded.wasm",
]
const allFiles = ["index.html", modelFile, ...pageFiles, ...runtimeFiles]

/**
 * Makes a folder for any web server: a page that runs a detector in the visitor's browser, with all that it needs. It is made
 * beside its place; an earlier page there gives way to it.
 * @param write writes the detector's file
 * @throws UsageError where `out` holds other files, UserError where ONNX Runtime for browsers is not here
 */
export async function webPage<Result>(out: string, write: (model: string) => Promise<Result>): Promise<Result> {
  expectFree(out)
  const runtime = runtimeFolder()
  const staging = partBeside(out)
  try {
    makeFolder(staging)
    const result = await write(join(staging, modelFile))
    const page = join(packageFolder(), "dist/web/page")
    for (const name of pageFiles) copyFileSync(join(page, name), join(staging, name))
    for (const name of runtimeFiles) copyFileSync(join(runtime, name), join(staging, name))
    // A server that compresses does not tell the size.
    const size = `name="model-bytes" content="${statSync(join(staging, modelFile)).size}"`
    const html = readFileSync(join(page, "index.html"), "utf8").replace(/name="model-bytes" content="\d+"/, size)
    writeWhole(join(staging, "index.html"), html)
    expectFree(out)
    rmSync(out, { recursive: true, force: true })
    renameSync(staging, out)
    return result
  } catch (error) {
    rmSync(staging, { recursive: true, force: true })
    throw error
  }
}

/** @throws UsageError for a file, or a folder with anything that no earlier page has */
function expectFree(out: string): void {
  if (!existsSync(out)) return
  if (!statSync(out).isDirectory()) throw new UsageError(`export: expected --out to be a folder, got the file ${out}`)
  const other = readdirSync(out).find((name) => !allFiles.includes(name))
  if (other === undefined) return
  throw new UsageError(`export: ${out} holds ${other}, which is of no page. Choose a new folder`)
}

/** Where the builds of ONNX Runtime are: installed beside this package, or fetched by setup. */
function runtimeFolder(): string {
  const folder = installed() ?? fetched()
  if (folder === undefined) {
    throw new UserError(`ONNX Runtime for browsers is not here. Run: ${callOf("setup --web")}`)
  }
  const missing = runtimeFiles.find((name) => !existsSync(join(folder, name)))
  if (missing === undefined) return folder
  throw new UserError(`${basename(dirname(folder))} has no ${missing}. Install onnxruntime-web 1.30`)
}

function installed(): string | undefined {
  try {
    return dirname(createRequire(import.meta.url).resolve("onnxruntime-web/wasm"))
  } catch {
    return undefined
  }
}

function fetched(): string | undefined {
  const folder = findFetched("onnxruntimeWeb")
  return folder && join(folder, "dist")
}
