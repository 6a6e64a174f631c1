import { createRequire } from "node:module"
import { dirname } from "node:path"
import { pathToFileURL } from "node:url"
import { isMainThread } from "node:worker_threads"
import { UserError } from "../core/errors.js"
import { findFetched } from "../core/fetched-package.js"
import { callOf } from "../core/own-package.js"

export type OnnxRuntime = typeof import("onnxruntime-node")

const require = createRequire(import.meta.url)

/** Keeps the library from posting to its maker. @source onnxruntime, core/platform/posix/telemetry.cc */
const telemetrySwitch = "ORT_DISABLE_TELEMETRY"

// Here and not only before loading: worker threads that start later find it in the environment of the process.
if (isMainThread) process.env[telemetrySwitch] = "1"

/** The version of onnxruntime-node that is here, installed or fetched by setup, or undefined; nothing is loaded. */
export function onnxRuntimeVersion(): string | undefined {
  const folder = findInstalled() ?? findFetched("onnxruntime")
  return folder && (require(`${folder}/package.json`) as { version: string }).version
}

/** Whether it is among the installed packages, so that nothing need be fetched. */
export const isOnnxRuntimeInstalled = (): boolean => findInstalled() !== undefined

function findInstalled(): string | undefined {
  try {
    return dirname(require.resolve("onnxruntime-node/package.json"))
  } catch {
    return undefined
  }
}

/**
 * Loads ONNX Runtime the first time it is asked for, with its telemetry switched off.
 * @param cache where setup has put it, if not in the user's cache
 * @throws UserError when it is not here, has no library for this machine, or would send telemetry
 */
export async function loadOnnxRuntime(cache?: string): Promise<OnnxRuntime> {
  const folder = findInstalled() ?? findFetched("onnxruntime", cache)
  if (folder === undefined) throw new UserError(`ONNX Runtime is not set up here. Run: ${callOf("setup")}`)
  if (!isTelemetryOff()) {
    throw new UserError(
      `ONNX Runtime in a worker thread would send telemetry: import resdet in the main thread too, or start the process with ${telemetrySwitch}=1`,
    )
  }
  try {
    return (await import(pathToFileURL(require.resolve(folder)).href)) as OnnxRuntime
  } catch (error) {
    const [line] = (error as Error).message.split("\n")
    throw new UserError(`ONNX Runtime does not load: ${line}. Run: ${callOf("setup")}`)
  }
}

/** Whether the library will find the switch: a worker thread's `process.env` is a copy, which native code does not see. */
function isTelemetryOff(): boolean {
  if (isMainThread) {
    process.env[telemetrySwitch] = "1"
    return true
  }
  const { report } = process as { report: NodeJS.ProcessReport & { excludeNetwork?: boolean } }
  // Looking at the network is slow, and may itself ask a name server.
  report.excludeNetwork = true
  const { environmentVariables } = report.getReport() as { environmentVariables: Record<string, string> }
  return environmentVariables[telemetrySwitch] === "1"
}
