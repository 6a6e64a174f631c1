import { spawn } from "node:child_process"
import { cpSync, existsSync, mkdirSync, writeFileSync } from "node:fs"
import { cp } from "node:fs/promises"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { UserError } from "../tensor/errors.js"
import { addonPath, addonSourceFolder, addonSources, loaderPath, napiVersion } from "./native-cache.js"

/** Builds the addon (tfjs-node's and what we add to it) against the libraries in `folder/deps`, and our loader, into `folder`. */
export async function buildAddon(folder: string): Promise<void> {
  const require = createRequire(import.meta.url)
  const source = join(folder, "build-here")
  mkdirSync(source, { recursive: true })
  const tfjsNode = dirname(require.resolve("@tensorflow/tfjs-node-gpu/package.json"))
  await cp(join(tfjsNode, "binding"), join(source, "binding"), { recursive: true })
  for (const name of addonSources) cpSync(join(addonSourceFolder(), name), join(source, name))
  writeFileSync(join(source, "package.json"), "{}")
  writeFileSync(join(source, "binding.gyp"), JSON.stringify(targets()))
  const headers = nodeHeaders()
  const args = [require.resolve("node-gyp/bin/node-gyp.js"), "rebuild", "--jobs=2"]
  if (headers) args.push(`--nodedir=${headers}`)
  const { code, output } = await run(process.execPath, args, { cwd: source, env: { CXX: await needCompiler() } })
  if (code !== 0) throw new UserError(`the addon did not build: ${buildFailure(output)}`)
  for (const path of [addonPath, loaderPath]) {
    const name = path.split("/").at(-1)!
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    cpSync(join(source, "build", "Release", name), join(folder, path))
  }
}

/** The prefix of Node headers on this machine, if any: the interface is stable, so another Node's serve as well. */
export function nodeHeaders(): string | undefined {
  const prefixes = [dirname(dirname(process.execPath)), "/usr", "/usr/local"]
  return prefixes.find((prefix) => existsSync(join(prefix, "include", "node", "node_api.h")))
}

/** The C++ compiler of this machine, `CXX` before all, and the first line it says of itself. */
export async function findCompiler(): Promise<{ readonly program: string; readonly version: string } | undefined> {
  for (const program of [process.env.CXX, "g++", "c++", "clang++"]) {
    if (!program) continue
    const { code, output } = await run(program, ["--version"])
    if (code === 0) return { program, version: output.split("\n")[0]!.trim() }
  }
  return undefined
}

/**
 * The compiler the addon is built with: asked for before anything is fetched.
 * @throws UserError when there is none, or no make
 */
export async function needCompiler(): Promise<string> {
  const compiler = await findCompiler()
  const make = (await run("make", ["--version"])).code === 0
  if (compiler && make) return compiler.program
  throw new UserError(
    `${compiler ? "make" : "a C++ compiler"} was not found: install g++ and make, then run setup again`,
  )
}

interface RunOptions {
  readonly cwd?: string
  /** Variables beside the process's own. */
  readonly env?: Readonly<Record<string, string>>
  readonly onLine?: (line: string) => void
}

/** Runs a program and keeps what it says; `output` is stdout and stderr together. */
export function run(
  program: string,
  args: readonly string[],
  { cwd, env, onLine }: RunOptions = {},
): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      ...(cwd && { cwd }),
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    })
    let output = ""
    const take = (chunk: Buffer) => {
      const text = chunk.toString()
      output += text
      for (const line of text.split(/[\r\n]+/)) if (line.trim()) onLine?.(line.trim())
    }
    child.stdout.on("data", take)
    child.stderr.on("data", take)
    child.on("error", (error) => resolve({ code: 127, output: `${output}\n${error.message}` }))
    child.on("close", (code) => resolve({ code: code ?? 1, output }))
  })
}

function targets(): unknown {
  const common = { defines: [`NAPI_VERSION=${napiVersion}`], "cflags_cc!": ["-fno-rtti"] }
  return {
    targets: [
      {
        ...common,
        target_name: "tfjs_binding",
        sources: ["binding/tfjs_backend.cc", "binding.cc"],
        include_dirs: ["<(module_root_dir)", "<(module_root_dir)/../deps/include"],
        library_dirs: ["<(module_root_dir)/../deps/lib"],
        libraries: [
          "-Wl,-rpath,\\$$ORIGIN/../../deps/lib",
          "-l:libtensorflow_cc.so.2",
          "-l:libtensorflow_framework.so.2",
        ],
      },
      { ...common, target_name: "resdet_loader", sources: ["loader.cc"], libraries: ["-ldl"] },
    ],
  }
}

/** The line of a build log that says most. */
export function buildFailure(output: string): string {
  const lines = output.split("\n").filter((line) => line.trim() && !line.startsWith("gyp info"))
  const telling = [/No space left/, /find Python/i, /fatal error|error:/i, /ENOTFOUND|ECONN|ETIMEDOUT/]
  for (const pattern of telling) {
    const line = lines.find((text) => pattern.test(text))
    if (line) return `${line.replace(/^gyp ERR! (stack )?/, "").trim()} (a C++ compiler, make and Python are needed)`
  }
  return lines.at(-1) ?? "no output"
}
