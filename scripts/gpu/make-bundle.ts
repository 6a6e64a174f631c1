/**
 * Packs what proves the engine on a GPU into pieces below 60 MB, for a Linux machine with a driver and no network: Node, this
 * package with what it depends on, native TensorFlow as it is set up here, and `run.sh`, which unpacks and runs all.
 * For CUDA run `resdet setup --gpu` first: the pieces then have its libraries too (about 3 GB).
 * `npm run build && node dist/scripts/gpu/make-bundle.js --out bundle`
 */
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, dirname, join } from "node:path"
import { create } from "tar"
import { complain, log, print } from "../../src/cli/report.js"
import { UserError } from "../../src/core/errors.js"
import { cacheFolder, packageFolder } from "../../src/core/own-package.js"
import { findNative, nativePaths } from "../../src/engine/native/cache.js"
import { parseFlags } from "../flags.js"

/** Bytes of a piece, at most. */
const pieceBytes = 55_000_000

const { values } = parseFlags({ options: { out: { type: "string" } } })
try {
  if (values.out === undefined) throw new UserError("expected --out, the folder to make")
  await makeBundle(values.out)
} catch (error) {
  if (!(error instanceof UserError)) throw error
  complain(error.message)
  process.exitCode = 2
}

async function makeBundle(out: string): Promise<void> {
  const native = findNative()
  if (native === undefined) throw new UserError("native TensorFlow is not set up here. Run: npm run setup")
  if (existsSync(out)) throw new UserError(`${out} is there already. Name another folder, or remove it`)
  const staging = mkdtempSync(join(tmpdir(), "resdet-bundle-"))
  try {
    stage(staging, native.folder)
    mkdirSync(out, { recursive: true })
    const sums = await writePieces(staging, out)
    writeFileSync(join(out, "SHA256SUMS"), sums.map(({ name, sum }) => `${sum}  ${name}\n`).join(""))
    const run = readFileSync(join(packageFolder(), "scripts/gpu/run.sh"))
    writeFileSync(join(out, "run.sh"), run, { mode: 0o755 })
    const megabytes = sums.reduce((total, { bytes }) => total + bytes, 0) / 1e6
    print(`${out}: ${sums.length} pieces, ${megabytes.toFixed(0)} MB, TensorFlow for ${native.manifest.device}`)
    if (native.manifest.device === "cpu") log("it runs on processors alone: for CUDA run resdet setup --gpu first")
  } finally {
    rmSync(staging, { recursive: true })
  }
}

/** Lays out, by links, what is packed: `node`, `app` and `cache`. */
function stage(folder: string, native: string): void {
  const root = packageFolder()
  const link = (from: string, to: string) => {
    mkdirSync(dirname(join(folder, to)), { recursive: true })
    symlinkSync(from, join(folder, to))
  }
  link(process.execPath, "node")
  for (const part of ["package.json", "bin", "dist", "schema", "scripts", "src/engine/native"]) {
    link(join(root, part), `app/${part}`)
  }
  for (const name of dependencies(root)) link(join(root, "node_modules", name), `app/node_modules/${name}`)
  link(native, `cache/native/${basename(native)}`)
  const { current } = nativePaths(cacheFolder())
  link(current, `cache/native/${basename(current)}`)
}

/** The package's dependencies, theirs and so on, and Dawn, by the names of their folders in `node_modules`. */
function dependencies(root: string): Set<string> {
  const found = new Set<string>()
  const add = (name: string) => {
    const file = join(root, "node_modules", name, "package.json")
    if (found.has(name) || !existsSync(file)) return
    found.add(name)
    const { dependencies = {}, optionalDependencies = {} } = read(file)
    for (const next of Object.keys({ ...dependencies, ...optionalDependencies })) add(next)
  }
  for (const name of [...Object.keys(read(join(root, "package.json")).dependencies ?? {}), "webgpu"]) add(name)
  return found
}

interface PackageFile {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

function read(file: string): PackageFile {
  return JSON.parse(readFileSync(file, "utf8")) as PackageFile
}

/** Sources, declarations and source maps are of no use there, nor is Dawn for other systems. */
function isOfUse(path: string): boolean {
  // What lies in the cache is counted by its manifest: all of it goes along.
  const isDependency = /^(\.\/)?app\/node_modules\//.test(path)
  if (isDependency && /\.(map|ts|md)$|\/(src|benchmarks)\//.test(path)) return false
  return !path.endsWith(".dawn.node") || path.includes(`${process.platform}-${process.arch}`)
}

interface Piece {
  readonly name: string
  readonly bytes: number
  readonly sum: string
}

async function writePieces(staging: string, out: string): Promise<Piece[]> {
  const pieces: Piece[] = []
  let waiting: Buffer[] = []
  let size = 0
  const write = () => {
    if (size === 0) return
    const bytes = Buffer.concat(waiting)
    const name = `piece-${String(pieces.length).padStart(3, "0")}`
    writeFileSync(join(out, name), bytes)
    pieces.push({ name, bytes: size, sum: createHash("sha256").update(bytes).digest("hex") })
    ;[waiting, size] = [[], 0]
  }
  const archive = create({ cwd: staging, gzip: { level: 6 }, follow: true, portable: true, filter: isOfUse }, [
    "node",
    "app",
    "cache",
  ])
  for await (const chunk of archive as AsyncIterable<Buffer>) {
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + pieceBytes - size)
      waiting.push(part)
      size += part.length
      at += part.length
      if (size === pieceBytes) write()
    }
  }
  write()
  return pieces
}
