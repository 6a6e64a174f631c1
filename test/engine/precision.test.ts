import { afterEach, describe, expect, it, test, vi } from "vitest"
import { UserError } from "../../src/core/errors.js"
import { findNative } from "../../src/engine/native/cache.js"
import { processorFlags } from "../../src/engine/native/processor.js"
import { bf16Units, expectPrecision } from "../../src/engine/precision.js"
import { startEngine } from "../../src/engine/start.js"
import { onCudaBranch } from "../support/cuda-branch.js"

test("a processor's flags tell what it multiplies bfloat16 with", () => {
  const withFlags = (flags: string) =>
    processorFlags(`processor\t: 0\nflags\t\t: fpu ${flags} vme\nbugs\t\t: amx_bf16\n`)
  expect(bf16Units(withFlags("avx512f avx512_bf16 amx_bf16"))).toEqual(["AMX", "AVX-512"])
  expect(bf16Units(withFlags("avx512f avx512_bf16"))).toEqual(["AVX-512"])
  expect(bf16Units(withFlags("avx2 avx512f avx512bw"))).toEqual([])
  expect(bf16Units(processorFlags(""))).toEqual([])
})

const none = { units: () => [], capability: () => undefined }
const amx = { ...none, units: () => ["AMX"] }

onCudaBranch("expectPrecision", () => {
  it("asks the GPU, not the processor", () => {
    const of = (capability?: string) => () =>
      expectPrecision("bf16", "tensorflow", { ...none, capability: () => capability })
    expect(of("7.5")).toThrow(
      new UserError(
        "--precision bf16: it takes a GPU of compute capability 8.0 or newer, this one has 7.5. Leave --precision out",
      ),
    )
    for (const known of ["8.0", "10.0", undefined]) expect(of(known)).not.toThrow()
  })
})

describe("expectPrecision", () => {
  afterEach(() => vi.unstubAllEnvs())

  it("has nothing against float32, whatever runs it", () => {
    expect(() => expectPrecision("float32", "wasm", none)).not.toThrow()
  })

  it("refuses bf16 on an engine that has none, in one line", () => {
    const wrong = new UserError(
      "--precision bf16: it takes native TensorFlow, got the engine wasm. Leave --precision out",
    )
    expect(() => expectPrecision("bf16", "wasm", amx)).toThrow(wrong)
  })

  it("refuses bf16 where nothing may be recorded", () => {
    vi.stubEnv("RESDET_RECORD", "off")
    expect(() => expectPrecision("bf16", "tensorflow", amx)).toThrow("RESDET_RECORD=off forbids it")
  })

  it.runIf(findNative())(
    "refuses bf16 on a processor that would be slower with it, and takes it on another",
    async () => {
      await startEngine("tensorflow")
      expect(() => expectPrecision("bf16", "tensorflow", none)).toThrow(
        "this processor has neither AVX512_BF16 nor AMX",
      )
      expect(() => expectPrecision("bf16", "tensorflow", amx)).not.toThrow()
    },
  )
})
