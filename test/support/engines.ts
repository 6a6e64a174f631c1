import { beforeAll, describe } from "vitest"
import { type EngineName, startEngine } from "../../src/engine/start.js"

/** The engines this machine can run; every numeric test runs on each of them. */
export const enginesPresent: readonly EngineName[] = await present()

/** Runs `tests` once an engine, each in a describe block that makes that engine current first. */
export function onEveryEngine(name: string, tests: () => void): void {
  describe.each(enginesPresent.map((engine) => ({ engine })))(`${name} on $engine`, ({ engine }) => {
    beforeAll(async () => {
      await startEngine(engine)
    })
    tests()
  })
}

async function present(): Promise<EngineName[]> {
  const native = await startEngine("tensorflow").catch(() => undefined)
  return native ? ["tensorflow", "wasm"] : ["wasm"]
}
