import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"
import { findNative } from "../../../src/engine/native/cache.js"

const start = JSON.stringify(fileURLToPath(new URL("../../../dist/src/engine/start.js", import.meta.url)))

/** The bits of a convolution's result: oneDNN adds in another order than TensorFlow's own kernel. */
const convolution = `
  const { startEngine } = await import(${start})
  const tf = await import("@tensorflow/tfjs-core")
  await startEngine("tensorflow")
  const result = tf.conv2d(tf.randomNormal([2, 19, 23, 64], 0, 1, "float32", 1), tf.randomNormal([3, 3, 64, 48], 0, 1, "float32", 2), 1, "same")
  console.log(Buffer.from(result.dataSync().buffer).toString("base64"))
`

function bits(choice: string | undefined): string {
  const { TF_ENABLE_ONEDNN_OPTS: _, ...env } = process.env
  if (choice !== undefined) env.TF_ENABLE_ONEDNN_OPTS = choice
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", convolution], {
    env,
    encoding: "utf8",
  })
  expect(stderr).toBe("")
  return stdout
}

// Processors with AVX-512 VNNI have these kernels by TensorFlow's own choice; there only the second line can fail.
describe.skipIf(findNative() === undefined || process.arch !== "x64")("oneDNN's kernels", () => {
  it("run on every processor, unless the user turns them off", () => {
    const usual = bits(undefined)
    expect(usual).toBe(bits("1"))
    expect(usual).not.toBe(bits("0"))
  })
})
