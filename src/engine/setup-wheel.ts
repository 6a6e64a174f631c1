import { createWriteStream } from "node:fs"
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { text } from "node:stream/consumers"
import { pipeline } from "node:stream/promises"
import yauzl from "yauzl"
import { UserError } from "../tensor/errors.js"
import { libtensorflowVersion } from "./native-cache.js"
import { run } from "./setup-build.js"

/** How to call pip here, or undefined. */
export async function findPip(): Promise<readonly [string, ...string[]] | undefined> {
  const ways: [string, ...string[]][] = [["python3", "-m", "pip"], ["pip3"], ["pip"], ["python", "-m", "pip"]]
  for (const way of ways) {
    const [program, ...args] = way
    if ((await run(program, [...args, "--version"])).code === 0) return way
  }
  return undefined
}

/** The official wheel that holds libtensorflow for this machine. */
export function tensorflowWheel(device: "cpu" | "gpu"): string {
  // On ARM the plain wheel is the CPU's.
  const name = device === "cpu" && process.arch === "x64" ? "tensorflow-cpu" : "tensorflow"
  return `${name}==${libtensorflowVersion}`
}

/**
 * Fetches wheels with the user's own pip, as it is configured. A wheel that is already whole in `folder` is kept.
 * @throws UserError when there is no pip or it fails
 */
export async function downloadWheel(requirement: string, folder: string, onLine: (line: string) => void) {
  await mkdir(folder, { recursive: true })
  const kept = await wheelIn(folder, requirement)
  if (kept) return kept
  const pip = await findPip()
  if (!pip) throw new UserError("pip was not found: install Python's pip, or give --libtensorflow a TensorFlow wheel")
  // pip writes beside, and only a whole wheel is moved to where it is looked for.
  const partial = await mkdtemp(join(folder, "partial-"))
  try {
    const machine = process.arch === "arm64" ? "aarch64" : "x86_64"
    const [program, ...args] = pip
    const platforms = ["manylinux_2_27", "manylinux_2_17", "manylinux2014"].flatMap((tag) => [
      "--platform",
      `${tag}_${machine}`,
    ])
    const fetch = ["download", "--no-deps", "--only-binary=:all:", ...platforms, "--python-version", "3.11"]
    const { code, output } = await run(program, [...args, ...fetch, "-d", partial, requirement], {
      cwd: folder,
      onLine: (line) => {
        if (/^Downloading /.test(line)) onLine(line)
      },
    })
    const wheel = (await readdir(partial)).find((name) => name.endsWith(".whl"))
    if (code !== 0 || !wheel) throw new UserError(`pip could not fetch ${requirement}: ${pipFailure(output)}`)
    await rename(join(partial, wheel), join(folder, wheel))
    return join(folder, wheel)
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
}

/** The requirements a wheel's metadata lists for an extra, such as "and-cuda". */
export async function requirementsOf(wheel: string, extra: string): Promise<string[]> {
  let metadata = ""
  await readWheel(wheel, async (name, open) => {
    if (/^[^/]+\.dist-info\/METADATA$/.test(name)) metadata = await text(await open())
  })
  return metadata
    .split("\n")
    .filter((line) => line.startsWith("Requires-Dist:") && new RegExp(`extra == ["']${extra}["']`).test(line))
    .map((line) => line.slice("Requires-Dist:".length).split(";")[0]!.trim())
}

/**
 * Unpacks the entries of a wheel for which `place` gives a path under `folder`, one after the other from the stream.
 * @throws UserError when the file is not a whole wheel
 */
export async function unpackWheel(
  wheel: string,
  folder: string,
  place: (name: string) => string | undefined,
): Promise<string[]> {
  const written: string[] = []
  const folders = new Set<string>()
  await readWheel(wheel, async (name, open) => {
    const path = place(name)
    if (!path) return
    const target = join(folder, path)
    if (!folders.has(dirname(target))) {
      await mkdir(dirname(target), { recursive: true })
      folders.add(dirname(target))
    }
    await pipeline(await open(), createWriteStream(target))
    written.push(path)
  })
  return written
}

/** The version in a wheel's file name: `tensorflow_cpu-2.21.0-cp311-...whl` -> `2.21.0`. */
export function wheelVersion(wheel: string): string | undefined {
  return /^[^-]+-([0-9][0-9A-Za-z.]*)-/.exec(basename(wheel))?.[1]
}

type Open = () => Promise<NodeJS.ReadableStream>

async function readWheel(wheel: string, visit: (name: string, open: Open) => Promise<void>): Promise<void> {
  try {
    const zip = await yauzl.openPromise(wheel)
    try {
      // yauzl refuses names that lead out of the folder.
      for await (const entry of zip.eachEntry()) {
        if (!entry.fileName.endsWith("/")) await visit(entry.fileName, () => zip.openReadStreamPromise(entry))
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
