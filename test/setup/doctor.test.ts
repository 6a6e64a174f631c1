import * as tf from "@tensorflow/tfjs-core"
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { startEngine } from "../../src/engine/start.js"
import { examine } from "../../src/setup/doctor.js"
import { checkEngine } from "../../src/setup/self-check.js"
import { hasWebGpu, onAwaitedEngines } from "../support/engines.js"

await onAwaitedEngines("checkEngine", () => {
  it("finds right values and keeps no tensors", async () => {
    const before = tf.memory().numTensors
    expect((await checkEngine()).filter(({ passed }) => !passed)).toEqual([])
    expect(tf.memory().numTensors).toBe(before)
  })

  it("notices a kernel that gives wrong values", async () => {
    const name = tf.getBackend()
    const config = tf.getKernel("BatchMatMul", name)
    tf.unregisterKernel("BatchMatMul", name)
    tf.registerKernel({ ...config, kernelFunc: (() => tf.zeros([2, 2])) as unknown as tf.KernelFunc })
    try {
      expect((await checkEngine()).find(({ name }) => name === "matrix product")?.passed).toBe(false)
    } finally {
      tf.unregisterKernel("BatchMatMul", name)
      tf.registerKernel(config)
    }
  })
})

describe("examine", () => {
  beforeEach(() => {
    vi.stubEnv("RESDET_CACHE", "/nowhere/resdet")
  })
  afterEach(() => {
    vi.unstubAllEnvs()
  })

  it("reports WebAssembly as one thread, and versions that are numbers", async () => {
    const report = await examine("wasm")
    expect(report).toMatchObject({ engine: "wasm", engineWorks: true, threads: 1, usesGpu: false })
    expect(report.versions).toMatchObject({ node: process.versions.node, libtensorflow: null })
    for (const version of [report.versions.tfjs, report.versions.resdet]) expect(version).toMatch(/^\d+\.\d+\.\d+/)
    expect(report.cache).toEqual({ folder: "/nowhere/resdet", native: null })
    expect(report.memory.total).toBeGreaterThan(report.memory.free)
  })

  it("names the cure for each tool that setup would miss", async () => {
    vi.stubEnv("PATH", "/nowhere")
    vi.stubEnv("CXX", "")
    const { cures } = await examine("wasm")
    expect(cures).toContain("pip was not found: setup fetches TensorFlow with it. Install Python 3 with pip")
    expect(cures).toContain("no C++ compiler was found: setup builds with it. Install g++ and make")
  })
})

describe.skipIf(!(await hasWebGpu()))("examine, with a GPU behind WebGPU", () => {
  it("looks at that engine when it is asked to, and tells the device", async () => {
    const report = await examine("webgpu")
    expect(report).toMatchObject({
      engine: "webgpu",
      engineWorks: true,
      webGpu: { driver: expect.stringMatching(/./) },
    })
    expect(tf.getBackend()).toBe("webgpu")
    expect(report.usesGpu).toBe(!report.webGpu!.isSoftware)
    expect((await examine("wasm")).webGpu).toEqual(report.webGpu)
  })
})

describe("examine, without any GPU", () => {
  it("tells that WebGPU has none, and dies of nothing", async () => {
    vi.stubEnv("VK_ICD_FILENAMES", "/nowhere/none.json")
    expect(await examine("wasm")).toMatchObject({ webGpu: null })
    vi.unstubAllEnvs()
  })
})

describe("startEngine", () => {
  it("starts WebAssembly by name", async () => {
    expect(await startEngine("wasm")).toBe("wasm")
    expect(tf.getBackend()).toBe("wasm")
  })
})
