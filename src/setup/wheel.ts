import { createWriteStream, readdirSync, statSync } from "node:fs"
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { pipeline } from "node:stream/promises"
import yauzl from "yauzl"
import { UserError } from "../core/errors.js"
import { fileSha256 } from "../core/file-sha256.js"
import { makeFolder } from "../core/write-whole.js"
import { libtensorflowVersion } from "../engine/native/cache.js"
import { findPip, run } from "./programs.js"

/** A wheel by pip's name for it, and what its bytes must hash to. */
export interface WheelSource {
  readonly requirement: string
  readonly sha256: string
}

/** @source the wheels that the Python package index holds for CPython 3.11 on manylinux_2_27 */
const tensorflowSha256: Readonly<Record<string, string>> = {
  "tensorflow-cpu==2.21.0 x86_64": "2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c",
  "tensorflow==2.21.0 x86_64": "9056fbc9ba04235810b71ae6cbd958a196e8804fb53bbcffbf3e23b56155f124",
  "tensorflow==2.21.0 aarch64": "4b24aca16d527a3cf1c37f720c04c484c3d20f4d0fdfa98632ac8b9f3be6eb5c",
}

/** As wheels name it. */
export const machine = process.arch === "arm64" ? "aarch64" : "x86_64"

/** The official wheel that holds libtensorflow for this machine. */
export function tensorflowWheel(device: "cpu" | "gpu"): WheelSource {
  // On ARM the plain wheel is the CPU's.
  const name = device === "cpu" && machine === "x86_64" ? "tensorflow-cpu" : "tensorflow"
  const requirement = `${name}==${libtensorflowVersion}`
  return { requirement, sha256: tensorflowSha256[`${requirement} ${machine}`]! }
}

/**
 * Fetches a wheel with the user's own pip, as it is configured. One that is already whole in `folder` is kept.
 * @param onMegabytes told how much is there: no version of pip before 24.1 tells it to a program, so the files that it writes are looked at
 * @throws UserError when there is no pip, it fails, or what it fetches is another file
 */
export async function downloadWheel(
  source: WheelSource,
  folder: string,
  onLine: (line: string) => void,
  onMegabytes: (done: number, total: number | undefined) => void = () => {},
) {
  const { requirement, sha256 } = source
  makeFolder(folder)
  const kept = await wheelIn(folder, requirement)
  if (kept && (await isTheWheel(kept, sha256))) return kept
  if (kept) {
    onLine(`${basename(kept)} is damaged: fetching it again`)
    await rm(kept)
  }
  const pip = await findPip()
  if (!pip) throw new UserError("pip was not found: install Python's pip, or give --libtensorflow a TensorFlow wheel")
  // pip writes beside, and only a whole wheel is moved to where it is looked for.
  const partial = await mkdtemp(join(folder, "partial-"))
  let total: number | undefined
  let told = 0
  const look = () => {
    const done = Math.floor(sizeBelow(partial) / 1e6)
    if (done > told) onMegabytes(done, total === undefined ? undefined : Math.max(done, total))
    told = Math.max(told, done)
  }
  const watch = setInterval(look, LOOK_EVERY)
  try {
    const [program, ...args] = pip
    const platforms = ["manylinux_2_27", "manylinux_2_17", "manylinux2014"].flatMap((tag) => [
      "--platform",
      `${tag}_${machine}`,
    ])
    const fetch = ["download", "--no-deps", "--only-binary=:all:", ...platforms, "--python-version", "3.11"]
    const { code, output } = await run(program, [...args, ...fetch, "-d", partial, requirement], {
      cwd: folder,
      // Here it writes what it has so far.
      env: { TMPDIR: partial },
      onLine: (line) => {
        if (!/^Downloading /.test(line)) return
        onLine(line)
        total = megabytesIn(line)
      },
    })
    clearInterval(watch)
    look()
    const wheel = (await readdir(partial)).find((name) => name.endsWith(".whl"))
    if (code !== 0 || !wheel) throw new UserError(`pip could not fetch ${requirement}: ${pipFailure(output)}`)
    if (!(await isTheWheel(join(partial, wheel), sha256))) {
      throw new UserError(
        `pip fetched another ${wheel} than the official one (SHA-256 ${sha256}): check the index that pip uses`,
      )
    }
    await rename(join(partial, wheel), join(folder, wheel))
    return join(folder, wheel)
  } finally {
    clearInterval(watch)
    await rm(partial, { recursive: true, force: true })
  }
}

/** Milliseconds. */
const LOOK_EVERY = 500

/** `Downloading tensorflow_cpu-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl (230.1 MB)` -> 230 */
function megabytesIn(line: string): number | undefined {
  const [, count, unit] = /\((\d+(?:\.\d+)?) (MB|GB)\)$/.exec(line) ?? []
  return count === undefined ? undefined : Math.round(Number(count) * (unit === "GB" ? 1000 : 1))
}

/** Bytes of the files in a folder; those that vanish meanwhile count nothing. */
function sizeBelow(folder: string): number {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
  return files.reduce((sum, file) => {
    const status = statSync(join(folder, file), { throwIfNoEntry: false })
    return sum + (status?.isFile() ? status.size : 0)
  }, 0)
}

const isTheWheel = async (path: string, sha256: string): Promise<boolean> => (await fileSha256(path)) === sha256

/**
 * Unpacks the entries of a zip file, such as a wheel, for which `place` gives a path under `folder`, one after the other from
 * the stream.
 * @throws UserError when the file is not whole
 */
export async function unpackZip(
  wheel: string,
  folder: string,
  place: (name: string) => string | undefined,
  onEntry?: (done: number, total: number) => void,
): Promise<string[]> {
  const written: string[] = []
  const folders = new Set<string>()
  const write = async (name: string, open: Open) => {
    const path = place(name)
    if (!path) return
    const target = join(folder, path)
    if (!folders.has(dirname(target))) {
      await mkdir(dirname(target), { recursive: true })
      folders.add(dirname(target))
    }
    await pipeline(await open(), createWriteStream(target))
    written.push(path)
  }
  await readWheel(wheel, write, onEntry)
  return written
}

/** The version in a wheel's file name: `tensorflow_cpu-2.21.0-cp311-...whl` -> `2.21.0`. */
export function wheelVersion(wheel: string): string | undefined {
  return /^[^-]+-([0-9][0-9A-Za-z.]*)-/.exec(basename(wheel))?.[1]
}

type Open = () => Promise<NodeJS.ReadableStream>

async function readWheel(
  wheel: string,
  visit: (name: string, open: Open) => Promise<void>,
  onEntry?: (done: number, total: number) => void,
): Promise<void> {
  try {
    const zip = await yauzl.openPromise(wheel)
    let done = 0
    try {
      // yauzl refuses names that lead out of the folder.
      for await (const entry of zip.eachEntry()) {
        if (!entry.fileName.endsWith("/")) await visit(entry.fileName, () => zip.openReadStreamPromise(entry))
        onEntry?.(++done, zip.entryCount)
      }
    } finally {
      zip.close()
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOSPC") throw error
    throw new UserError(`${wheel} cannot be unpacked: ${(error as Error).message}`)
  }
}

async function wheelIn(folder: string, requirement: string): Promise<string | undefined> {
  const [name = "", version] = requirement.split("==")
  if (!version) return undefined
  const start = `${name.replaceAll("-", "_")}-${version}-`
  const wheel = (await readdir(folder)).find((file) => file.startsWith(start) && file.endsWith(".whl"))
  return wheel && join(folder, wheel)
}

/** What went wrong, out of all that pip says. */
export function pipFailure(output: string): string {
  if (/No space left/.test(output)) return "the disk is full: setup needs about 2 GB free"
  if (/Failed to establish|name resolution|Connection (refused|reset)|Max retries|timed out|ProxyError/i.test(output)) {
    return "the package index cannot be reached; go online once, or give --libtensorflow a TensorFlow wheel"
  }
  const lines = output.split("\n").filter((line) => line.trim())
  return lines.filter((line) => line.startsWith("ERROR")).at(-1) ?? lines.at(-1) ?? "it said nothing"
}
