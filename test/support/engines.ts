import { beforeAll, describe } from "vitest"
import type { EngineName } from "../../src/engine/names.js"
import { startEngine } from "../../src/engine/start.js"
import { swiftShader } from "./swiftshader.js"

/** The engines this machine can run whose values can be read at once; every numeric test runs on each of them. */
const enginesPresent: readonly EngineName[] = await present()

/** Runs `tests` once an engine, each in a describe block that makes that engine current first. */
export function onEveryEngine(name: string, tests: (engine: EngineName) => void, engines = enginesPresent): void {
  describe.each(engines.map((engine) => ({ engine })))(`${name} on $engine`, ({ engine }) => {
    beforeAll(async () => {
      await startEngine(engine)
    })
    tests(engine)
  })
}

/** As `onEveryEngine`, for tests that wait for their values: on WebGPU too, where there is a GPU or SwiftShader for one. */
export async function onAwaitedEngines(name: string, tests: (engine: EngineName) => void): Promise<void> {
  const engines = (await hasWebGpu()) ? [...enginesPresent, "webgpu" as const] : enginesPresent
  onEveryEngine(name, tests, engines)
}

/** What `run` gives on WebAssembly, which is expected, and on WebGPU. */
export async function wasmAndWebGpu<Result>(
  run: () => Promise<Result>,
): Promise<{ readonly expected: Result; readonly actual: Result }> {
  await startEngine("wasm")
  const expected = await run()
  await startEngine("webgpu")
  return { expected, actual: await run() }
}

/** Whether the engine `webgpu` starts here. */
export async function hasWebGpu(): Promise<boolean> {
  const software = swiftShader()
  if (software) process.env.VK_ICD_FILENAMES ??= software
  return startEngine("webgpu").then(
    () => true,
    () => false,
  )
}

async function present(): Promise<EngineName[]> {
  const native = await startEngine("tensorflow").catch(() => undefined)
  return native ? ["tensorflow", "wasm"] : ["wasm"]
}
