import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { findNative, libtensorflowVersion } from "../../src/engine/native/cache.js"
import { buildFailure } from "../../src/setup/build.js"
import { findEarlier, setUpNative } from "../../src/setup/setup.js"
import { pipFailure } from "../../src/setup/wheel.js"
import { makeWheel } from "./made-wheel.js"

let folder: string
let path: string | undefined
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "resdet-setup-"))
  path = process.env.PATH
})
afterEach(() => {
  process.env.PATH = path
  rmSync(folder, { recursive: true, force: true })
})

describe("what went wrong", () => {
  it("is told in one line when pip fails", () => {
    const refused = "WARNING: Retrying: Failed to establish a new connection: [Errno 111] Connection refused"
    const none = "ERROR: No matching distribution found for tensorflow-cpu==2.21.0"
    expect(pipFailure(`${refused}\n${none}\n`)).toContain("cannot be reached")
    expect(pipFailure(`Looking\n${none}\n`)).toBe(none)
    expect(pipFailure("ERROR: OSError: [Errno 28] No space left on device: 'a' -> 'b'")).toContain("the disk is full")
    expect(pipFailure("")).toBe("it said nothing")
  })

  it("is the line of the compiler's that tells most", () => {
    const chatter = "In file included from binding.cc:3:"
    const error = "binding/tfjs_backend.cc:1:10: fatal error: tensorflow/c/c_api.h: No such file or directory"
    expect(buildFailure(`${chatter}\n${error}\ncompilation terminated.`)).toMatch(/^binding.*c_api\.h/)
    expect(buildFailure("/usr/bin/ld: cannot find -ltensorflow\ncollect2: no")).toMatch(/cannot find -ltensorflow$/)
  })
})

describe("findEarlier", () => {
  const platform = `${process.platform}-${process.arch}`

  function entry(name: string, about: object, text = "12345"): string {
    const at = join(folder, name)
    mkdirSync(join(at, "deps", "include"), { recursive: true })
    writeFileSync(join(at, "lib"), text)
    const files = { lib: { size: 5, sha256: createHash("sha256").update("12345").digest("hex") } }
    const manifest = { libtensorflow: libtensorflowVersion, device: "cpu", platform, files, ...about }
    writeFileSync(join(at, "manifest.json"), JSON.stringify(manifest))
    return at
  }

  it("finds a whole entry of the same libraries, so that another addon needs no download", async () => {
    entry("a", { libtensorflow: "2.9.1" })
    entry("b", { device: "gpu" })
    entry("c", { platform: "other" })
    entry("d", {}, "1234")
    entry("e", {}, "54321")
    expect(await findEarlier(folder, () => {})).toBeUndefined()
    const good = entry("f", {})
    expect((await findEarlier(folder, () => {}))?.folder).toBe(good)
    rmSync(join(good, "deps", "include"), { recursive: true })
    expect(await findEarlier(folder, () => {})).toBeUndefined()
  })
})

describe("resdet setup", () => {
  it("proves that WebAssembly works and exits 1 when native TensorFlow cannot be set up", () => {
    const args = [fileURLToPath(new URL("../../bin/resdet.js", import.meta.url)), "setup", "--cache", folder]
    const options = { encoding: "utf8", env: { ...process.env, PATH: "/nowhere", CXX: "" } } as const
    const { stdout, stderr, status } = spawnSync(process.execPath, args, options)
    expect(stderr).toMatch(/^ok {4}\S.*\n/)
    expect(stderr).not.toContain("WRONG")
    expect(stderr).toMatch(/no native TensorFlow: .+\n$/)
    const works = "WebAssembly works: everything runs on it, several times slower\n"
    expect([status, stdout]).toEqual(process.platform === "linux" ? [1, ""] : [0, works])
  })
})

// Elsewhere than on Linux the refusal comes first, by design.
describe.skipIf(process.platform !== "linux")("setUpNative", () => {
  it("says which file of --libtensorflow is missing or wrong, and leaves nothing behind", async () => {
    const cache = join(folder, "cache")
    await expect(setUpNative({ libtensorflow: join(folder, "none"), cache })).rejects.toThrow("there is no")
    const empty = makeWheel(folder, { "tensorflow/include/a.h": "A" })
    await expect(setUpNative({ libtensorflow: empty, cache, device: "cpu" })).rejects.toThrow("libtensorflow_cc.so.2")
    writeFileSync(empty, "not a wheel")
    await expect(setUpNative({ libtensorflow: empty, cache, device: "cpu" })).rejects.toThrow("cannot be unpacked")
    expect(findNative(cache)).toBeUndefined()
  })

  it("asks for the compiler before it fetches anything", async () => {
    process.env.PATH = "/nowhere"
    await expect(setUpNative({ cache: join(folder, "cache"), device: "cpu" })).rejects.toThrow(
      "a C++ compiler was not found: install g++, then run setup again",
    )
  })

  it("names the folder it cannot write", async () => {
    writeFileSync(join(folder, "file"), "")
    await expect(setUpNative({ cache: join(folder, "file", "cache"), device: "cpu" })).rejects.toThrow("--cache")
  })
})
