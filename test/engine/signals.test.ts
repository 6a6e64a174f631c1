import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { expect, test } from "vitest"
import { enginesPresent } from "../support/engines.js"

const compiled = (path: string) => JSON.stringify(fileURLToPath(new URL(`../../dist/src/${path}`, import.meta.url)))

/** Small products, forward and backward, as a pyramid's RPN has on its coarser levels. */
const program = `
  const { startEngine } = await import(${compiled("engine/start.js")})
  const { pixelProduct, productFilterGradient } = await import(${compiled("engine/pixel-product.js")})
  const tf = await import("@tensorflow/tfjs-core")
  await startEngine("tensorflow")
  const [x, filter, dy] = [[1, 13, 17, 256], [1, 1, 256, 3], [1, 13, 17, 3]].map((shape) => tf.randomNormal(shape))
  for (let k = 0; k < 8000; k++) tf.dispose([pixelProduct(x, filter), productFilterGradient(dy, x)])
  process.stdout.write("done")
`

test.runIf(enginesPresent.includes("tensorflow"))("signals in the middle of small products do no harm", () => {
  const folder = mkdtempSync(join(tmpdir(), "resdet-signals-"))
  try {
    // A profiler is a source of signals that hits the thread which computes: one every tenth of a millisecond.
    const profiler = ["--cpu-prof", "--cpu-prof-interval", "100", "--cpu-prof-dir", folder]
    const args = [...profiler, "--input-type=module", "-e", program]
    const { stdout, signal } = spawnSync(process.execPath, args, { encoding: "utf8", timeout: 60_000 })
    expect([stdout, signal]).toEqual(["done", null])
  } finally {
    rmSync(folder, { recursive: true })
  }
})
