import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { strToU8, zipSync } from "fflate"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { cacheFolder, findNative, nativePaths, readEntry } from "../../src/engine/native-cache.js"
import { setUpNative } from "../../src/engine/setup.js"
import { buildFailure } from "../../src/engine/setup-build.js"
import { withLock } from "../../src/engine/setup-lock.js"
import { downloadWheel, pipFailure, requirementsOf, unpackWheel, wheelVersion } from "../../src/engine/setup-wheel.js"

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

function wheel(files: Record<string, string>, name = "tensorflow-2.21.0-cp311-cp311-any.whl"): string {
  const file = join(folder, name)
  writeFileSync(file, zipSync(Object.fromEntries(Object.entries(files).map(([key, text]) => [key, strToU8(text)]))))
  return file
}

describe("cacheFolder", () => {
  it("is RESDET_CACHE, else the platform's cache", () => {
    expect(cacheFolder({ RESDET_CACHE: "/a", XDG_CACHE_HOME: "/b" }, "linux")).toBe("/a")
    expect(cacheFolder({ XDG_CACHE_HOME: "/b" }, "linux")).toBe(join("/b", "resdet"))
    expect(cacheFolder({}, "darwin")).toContain(join("Library", "Caches", "resdet"))
    expect(cacheFolder({ LOCALAPPDATA: "/c" }, "win32")).toBe(join("/c", "resdet"))
  })
})

describe("findNative", () => {
  function entryOf(size: number): void {
    const { root, current } = nativePaths(folder)
    mkdirSync(join(root, "e"), { recursive: true })
    writeFileSync(join(root, "e", "lib"), "12345")
    writeFileSync(join(root, "e", "manifest.json"), JSON.stringify({ files: { lib: { size, sha256: "" } } }))
    writeFileSync(current, JSON.stringify({ folder: "e" }))
  }

  it("finds the entry in use when its files are whole", () => {
    entryOf(5)
    expect(findNative(folder)?.folder).toBe(join(nativePaths(folder).root, "e"))
  })

  it("finds nothing when a file is cut short or missing, or nothing was set up", () => {
    expect(findNative(folder)).toBeUndefined()
    entryOf(6)
    expect(findNative(folder)).toBeUndefined()
    expect(readEntry(folder)).toBeUndefined()
  })
})

describe("wheels", () => {
  it("give the files that are wanted, at the places they are wanted", async () => {
    const file = wheel({ "tensorflow/include/a.h": "A", "tensorflow/b.py": "B" })
    const written = await unpackWheel(file, folder, (name) =>
      name.endsWith(".h") ? `deps/${name.slice(11)}` : undefined,
    )
    expect(written).toEqual(["deps/include/a.h"])
  })

  it("name what an extra requires", async () => {
    const lines = [
      "Name: tensorflow",
      "Requires-Dist: numpy>=1.26",
      'Requires-Dist: nvidia-cudnn-cu12<10.0,>=9.3.0.75; extra == "and-cuda"',
    ]
    const file = wheel({ "tensorflow-2.21.0.dist-info/METADATA": lines.join("\n") })
    expect(await requirementsOf(file, "and-cuda")).toEqual(["nvidia-cudnn-cu12<10.0,>=9.3.0.75"])
  })

  it("carry their version in their names", () => {
    expect(wheelVersion("/x/tensorflow_cpu-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl")).toBe("2.21.0")
    expect(wheelVersion("/x/folder")).toBeUndefined()
  })

  it("are not fetched again when they are there", async () => {
    const file = wheel({}, "tensorflow_cpu-2.21.0-cp311-cp311-any.whl")
    process.env.PATH = "/nowhere"
    expect(await downloadWheel("tensorflow-cpu==2.21.0", folder, () => {})).toBe(file)
  })

  it("cannot be fetched without pip, and the message says how to mend it", async () => {
    process.env.PATH = "/nowhere"
    await expect(downloadWheel("tensorflow-cpu==2.21.0", folder, () => {})).rejects.toThrow(
      "pip was not found: install Python's pip, or give --libtensorflow a TensorFlow wheel",
    )
  })
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

  it("is the compiler's word, not node-gyp's chatter", () => {
    const chatter = 'gyp info find Python using Python version 3.11.2 found at "/usr/bin/python3"'
    const error = "binding/tfjs_backend.cc:1:10: fatal error: tensorflow/c/c_api.h: No such file or directory"
    expect(buildFailure(`${chatter}\n${error}\ngyp ERR! build error`)).toMatch(/^binding.*c_api\.h/)
    expect(buildFailure(`${chatter}\ngyp ERR! find Python You need Python 3`)).toMatch(/^find Python You need/)
  })
})

describe("withLock", () => {
  it("lets one in at a time", async () => {
    const lock = join(folder, "lock")
    const events: string[] = []
    const work = (name: string) => async () => {
      events.push(`${name} in`)
      await new Promise((done) => setTimeout(done, 50))
      events.push(`${name} out`)
    }
    await Promise.all([withLock(lock, () => {}, work("a")), withLock(lock, () => {}, work("b"))])
    expect(events).toEqual(["a in", "a out", "b in", "b out"])
  })

  it("takes over from a process that is gone, and frees the lock when the work fails", async () => {
    const lock = join(folder, "lock")
    writeFileSync(lock, "999999999")
    const fail = withLock(
      lock,
      () => {},
      () => Promise.reject(new Error("no")),
    )
    await expect(fail).rejects.toThrow("no")
    expect(
      await withLock(
        lock,
        () => {},
        async () => 7,
      ),
    ).toBe(7)
  })
})

// Elsewhere than on Linux the refusal comes first, by design.
describe.skipIf(process.platform !== "linux")("setUpNative", () => {
  it("says which file of --libtensorflow is missing or wrong, and leaves nothing behind", async () => {
    const cache = join(folder, "cache")
    await expect(setUpNative({ libtensorflow: join(folder, "none"), cache })).rejects.toThrow("there is no")
    const empty = wheel({ "tensorflow/include/a.h": "A" })
    await expect(setUpNative({ libtensorflow: empty, cache, device: "cpu" })).rejects.toThrow("libtensorflow_cc.so.2")
    writeFileSync(empty, "not a wheel")
    await expect(setUpNative({ libtensorflow: empty, cache, device: "cpu" })).rejects.toThrow("cannot be unpacked")
    expect(findNative(cache)).toBeUndefined()
  })

  it("asks for the compiler before it fetches anything", async () => {
    process.env.PATH = "/nowhere"
    await expect(setUpNative({ cache: join(folder, "cache"), device: "cpu" })).rejects.toThrow(
      "a C++ compiler was not found: install g++ and make, then run setup again",
    )
  })

  it("names the folder it cannot write", async () => {
    writeFileSync(join(folder, "file"), "")
    await expect(setUpNative({ cache: join(folder, "file", "cache"), device: "cpu" })).rejects.toThrow("--cache")
  })
})
