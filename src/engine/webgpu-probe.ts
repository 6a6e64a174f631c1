import { execFile } from "node:child_process"
import { pathToFileURL } from "node:url"
import { promisify } from "node:util"
import { UserError } from "../tensor/errors.js"
import { type AdapterInfo, type GpuInfo, gpuInfo, noGpu, webGpuPackage } from "./webgpu.js"

/**
 * Looks for a GPU behind WebGPU in a process of its own: a system's graphics drivers are loaded for it, which talk to
 * stderr and need not live in peace with TensorFlow's libraries.
 * @throws UserError when there is none, or the packages are not installed
 */
export async function probeWebGpu(): Promise<GpuInfo> {
  const found = await ask(pathToFileURL(webGpuPackage()).href)
  if (found === null) throw new UserError(noGpu)
  return gpuInfo(found)
}

async function ask(url: string): Promise<AdapterInfo | null> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", code, url])
    return JSON.parse(stdout) as AdapterInfo | null
  } catch (error) {
    const { stderr = "", message } = error as { stderr?: string; message: string }
    throw new UserError(`WebGPU does not load: ${stderr.trim().split("\n").at(-1) || message.split("\n")[0]}`)
  }
}

const code = `
  const { create, globals } = await import(process.argv[1])
  Object.assign(globalThis, globals)
  const adapter = await create([]).requestAdapter({ powerPreference: "high-performance" })
  const { vendor, architecture, device, description } = adapter?.info ?? {}
  process.stdout.write(JSON.stringify(adapter && { vendor, architecture, device, description }))
`
