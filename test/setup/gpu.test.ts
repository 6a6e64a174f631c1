import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { describe, expect, onTestFinished, test } from "vitest"
import { findNative, loaderPath, type NativeEntry } from "../../src/engine/native/cache.js"
import { cudaFaults, cudaLibraries, driverFault } from "../../src/setup/gpu.js"

describe("a driver", () => {
  test.each([
    "NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 01:15:15 UTC 2023",
    "NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build",
    "NVIDIA UNIX x86_64 Kernel Module  525.60.13  Wed Nov 30 06:39:21 UTC 2022",
    "NVIDIA UNIX x86_64 Kernel Module  580.65",
    "of another kind",
  ])("that is new enough, or tells no version, serves: %s", (driver) => {
    expect(driverFault(driver)).toBeUndefined()
  })

  test.each([
    ["NVIDIA UNIX x86_64 Kernel Module  470.82.01  Wed Oct 27 21:21:55 UTC 2021", "470.82.1"],
    ["NVIDIA UNIX x86_64 Kernel Module  525.53  Mon Nov 7", "525.53.0"],
  ])("of before CUDA 12 is named with the oldest that would do: %s", (driver, version) => {
    expect(driverFault(driver)).toBe(
      `the NVIDIA driver ${version} is too old for CUDA 12: expected 525.60.13 or newer. Update it`,
    )
  })
})

const native = findNative()

describe.skipIf(native === undefined)("CUDA's libraries", () => {
  /** An engine in which every library is there, or broken where `broken` names it. */
  function entryOf(broken: readonly string[]): NativeEntry {
    const folder = mkdtempSync(join(tmpdir(), "resdet-cuda-"))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const files: Record<string, { size: number; sha256: string }> = {}
    for (const path of [loaderPath, ...cudaLibraries.map((name) => `deps/nvidia/cuda/lib/${name}`)]) {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      const name = path.split("/").at(-1)!
      if (broken.includes(name)) writeFileSync(join(folder, path), "no library")
      // Any library that loads will do.
      else copyFileSync(join(native!.folder, loaderPath), join(folder, path))
      files[path] = { size: 1, sha256: "" }
    }
    return { folder, manifest: { ...native!.manifest, files } }
  }

  test("that all load are no fault", async () => {
    expect(await cudaFaults(entryOf([]))).toEqual([])
  })

  test("that do not load are named, with what the loader says", async () => {
    const [fault, ...others] = await cudaFaults(entryOf(["libcudnn.so.9"]))
    expect(fault).toMatch(/^libcudnn\.so\.9 does not load: .*libcudnn\.so\.9: (file too short|invalid ELF header)/)
    expect(others).toEqual([])
  })
})
