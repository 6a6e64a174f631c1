import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { fileSha256 } from "../../src/core/file-sha256.js"
import { cudaWheels } from "../../src/setup/cuda-wheels.js"
import { downloadWheel, tensorflowWheel, unpackZip, wheelVersion } from "../../src/setup/wheel.js"
import { makeWheel } from "./made-wheel.js"

let folder: string
let path: string | undefined
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "resdet-wheel-"))
  path = process.env.PATH
})
afterEach(() => {
  process.env.PATH = path
  rmSync(folder, { recursive: true, force: true })
})

describe("wheels", () => {
  it("give the files that are wanted, at the places they are wanted", async () => {
    const file = makeWheel(folder, { "tensorflow/include/a.h": "A", "tensorflow/b.py": "B" })
    const written = await unpackZip(file, folder, (name) =>
      name.endsWith(".h") ? `deps/${name.slice(11)}` : undefined,
    )
    expect(written).toEqual(["deps/include/a.h"])
  })

  it("carry their version in their names", () => {
    expect(wheelVersion("/x/tensorflow_cpu-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl")).toBe("2.21.0")
    expect(wheelVersion("/x/folder")).toBeUndefined()
  })

  it("are not fetched again when they are there", async () => {
    const file = makeWheel(folder, {}, "tensorflow_cpu-2.21.0-cp311-cp311-any.whl")
    process.env.PATH = "/nowhere"
    const source = { requirement: "tensorflow-cpu==2.21.0", sha256: await fileSha256(file) }
    expect(await downloadWheel(source, folder, () => {})).toBe(file)
  })

  it("are fetched again when they are not what they should be", async () => {
    const file = makeWheel(folder, {}, "tensorflow_cpu-2.21.0-cp311-cp311-any.whl")
    process.env.PATH = "/nowhere"
    const lines: string[] = []
    const source = { requirement: "tensorflow-cpu==2.21.0", sha256: "0".repeat(64) }
    await expect(downloadWheel(source, folder, (line) => lines.push(line))).rejects.toThrow("pip was not found")
    expect(lines).toEqual(["tensorflow_cpu-2.21.0-cp311-cp311-any.whl is damaged: fetching it again"])
    expect(existsSync(file)).toBe(false)
  })

  it("are refused when pip fetches another file of that name", async () => {
    const bin = join(folder, "bin")
    mkdirSync(bin)
    // A pip that answers --version, and else puts down a file of its own.
    const pip = `#!/bin/sh
[ "$3" = --version ] && exit 0
while [ "$1" != -d ]; do shift; done
echo other > "$2/tensorflow_cpu-2.21.0-cp311-cp311-any.whl"`
    writeFileSync(join(bin, "python3"), pip, { mode: 0o755 })
    process.env.PATH = `${bin}:${path}`
    const source = { requirement: "tensorflow-cpu==2.21.0", sha256: "0".repeat(64) }
    await expect(downloadWheel(source, folder, () => {})).rejects.toThrow(
      "another tensorflow_cpu-2.21.0-cp311-cp311-any.whl",
    )
    expect(existsSync(join(folder, "tensorflow_cpu-2.21.0-cp311-cp311-any.whl"))).toBe(false)
  })

  it("tell how much of them is there while pip fetches, and how much there will be where pip says so", async () => {
    const bin = join(folder, "bin")
    mkdirSync(bin)
    // As pip: it writes into its folder of temporary files, and moves what is whole.
    const pip = `#!/bin/sh
[ "$3" = --version ] && exit 0
while [ "$1" != -d ]; do shift; done
echo "Downloading tensorflow_cpu-2.21.0-cp311-cp311-any.whl (3.1 MB)"
mkdir "$TMPDIR/pip-unpack"
head -c 1500000 /dev/zero > "$TMPDIR/pip-unpack/part"
while [ ! -e "${folder}/seen" ]; do sleep 0.05; done
head -c 1600000 /dev/zero >> "$TMPDIR/pip-unpack/part"
mv "$TMPDIR/pip-unpack/part" "$2/tensorflow_cpu-2.21.0-cp311-cp311-any.whl"`
    writeFileSync(join(bin, "python3"), pip, { mode: 0o755 })
    process.env.PATH = `${bin}:${path}`
    const whole = join(folder, "whole")
    writeFileSync(whole, Buffer.alloc(3_100_000))
    const source = { requirement: "tensorflow-cpu==2.21.0", sha256: await fileSha256(whole) }
    const told: unknown[] = []
    const onMegabytes = (...megabytes: unknown[]) => {
      told.push(megabytes)
      writeFileSync(join(folder, "seen"), "")
    }
    const wheel = await downloadWheel(source, folder, () => {}, onMegabytes)
    expect(statSync(wheel).size).toBe(3_100_000)
    expect(told).toEqual([
      [1, 3],
      [3, 3],
    ])
    expect(readdirSync(folder).filter((name) => name.startsWith("partial-"))).toEqual([])
  })

  it("of TensorFlow and of CUDA are known by their hashes", () => {
    const wheels = [tensorflowWheel("cpu"), tensorflowWheel("gpu"), ...cudaWheels()]
    for (const { requirement, sha256 } of wheels) {
      expect(requirement).toMatch(/^[a-z0-9-]+==[0-9.]+$/)
      expect(sha256, requirement).toMatch(/^[0-9a-f]{64}$/)
    }
    expect(new Set(wheels.map(({ sha256 }) => sha256)).size).toBe(wheels.length)
  })

  it("cannot be fetched without pip, and the message says how to mend it", async () => {
    process.env.PATH = "/nowhere"
    await expect(
      downloadWheel({ requirement: "tensorflow-cpu==2.21.0", sha256: "" }, folder, () => {}),
    ).rejects.toThrow("pip was not found: install Python's pip, or give --libtensorflow a TensorFlow wheel")
  })
})
