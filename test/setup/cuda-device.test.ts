import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, onTestFinished, test, vi } from "vitest"
import { prepareThreads } from "../../src/engine/native/load.js"
import { cudaDevice, deviceLine, firstStepOf } from "../../src/setup/cuda-device.js"

/** A driver's program that answers so. */
function saying(answer: string): void {
  const folder = mkdtempSync(join(tmpdir(), "resdet-smi-"))
  onTestFinished(() => {
    rmSync(folder, { recursive: true })
    vi.unstubAllEnvs()
  })
  const program = join(folder, "nvidia-smi")
  writeFileSync(program, `#!/bin/sh\necho "$@" >"${folder}/asked"\n${answer}\n`)
  chmodSync(program, 0o755)
  vi.stubEnv("PATH", `${folder}:${process.env.PATH}`)
}

const asked = { CUDA_VISIBLE_DEVICES: "3,1", TF_DETERMINISTIC_OPS: "1" }

test("a GPU is told with what its times depend on", async () => {
  saying('[ "$1" = --id=3 ] && echo "NVIDIA H100 80GB HBM3, 9.0, 81559"')
  const device = await cudaDevice(asked)
  expect(device).toMatchObject({ computeCapability: "9.0", tf32: true, deterministic: true })
  expect(deviceLine(device)).toBe("NVIDIA H100 80GB HBM3, compute capability 9.0, 80 GiB, TF32 on, deterministic")
  expect(device.firstStep).toMatch(/^compiles TensorFlow's kernels for this GPU, for minutes, once/)
})

test.each([
  [{ NVIDIA_TF32_OVERRIDE: "0" }, "NVIDIA A10, 8.6, 23028", false],
  [{}, "NVIDIA A10, 8.6, 23028", true],
  [{}, "Tesla T4, 7.5, 15360", false],
])("TF32 is off where the environment or the GPU says so: %j %s", async (environment, answer, tf32) => {
  saying(`echo "${answer}"`)
  expect((await cudaDevice(environment)).tf32).toBe(tf32)
})

test.each(["exit 9", "echo 'No devices were found'; exit 6"])(
  "a driver that does not tell leaves values open: %s",
  async (answer) => {
    saying(answer)
    const device = await cudaDevice({})
    expect(device).toMatchObject({ computeCapability: null, memory: null, deterministic: false })
    expect(deviceLine(device)).toBe("a GPU that nvidia-smi does not name, TF32 on, not deterministic")
  },
)

test.each([
  ["6.1", /^compiles nothing/],
  ["7.5", /^compiles nothing/],
  ["8.9", /^compiles nothing/],
  ["9.0", /^compiles TensorFlow's kernels/],
  ["12.0", /^compiles TensorFlow's kernels/],
  ["5.2", /^TensorFlow 2.21 has no code for compute capability 5.2: expected 6.0 or newer$/],
  [null, /^may compile/],
])("the first step on compute capability %s", (capability, cost) => {
  expect(firstStepOf(capability)).toMatch(cost)
})

test("before TensorFlow is loaded its memory may grow, and it sees one GPU, unless the user says otherwise", () => {
  const names = ["TF_FORCE_GPU_ALLOW_GROWTH", "CUDA_DEVICE_ORDER", "CUDA_VISIBLE_DEVICES", "CUDA_CACHE_MAXSIZE"]
  const settings = () => names.map((name) => process.env[name])
  onTestFinished(() => void vi.unstubAllEnvs())
  for (const name of names) vi.stubEnv(name, undefined)
  prepareThreads()
  expect(settings()).toEqual(["true", "PCI_BUS_ID", "0", "4294967296"])
  vi.stubEnv("CUDA_VISIBLE_DEVICES", "2,3")
  vi.stubEnv("TF_FORCE_GPU_ALLOW_GROWTH", "false")
  prepareThreads()
  expect(settings()).toEqual(["false", "PCI_BUS_ID", "2,3", "4294967296"])
})
