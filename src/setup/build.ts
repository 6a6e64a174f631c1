import { cpSync, mkdirSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { UserError } from "../core/errors.js"
import {
  addonPath,
  addonSourceFolder,
  addonSources,
  libraryFolder,
  loaderPath,
  napiVersion,
  tfjsNodePath,
} from "../engine/native/cache.js"
import { needCompiler, run } from "./programs.js"

/**
 * Builds the addon (tfjs-node's binding and what we add to it) against the libraries in `folder/deps`, and our loader, into
 * `folder`. Node's interface for addons is stable: its headers come from a package, so that nothing need be downloaded.
 * @param onPart told how many calls of the compiler are done
 */
export async function buildAddon(folder: string, onPart?: (done: number, total: number) => void): Promise<void> {
  const compiler = await needCompiler()
  const source = join(folder, "build-here")
  mkdirSync(source, { recursive: true })
  cpSync(join(folder, tfjsNodePath, "binding"), join(source, "binding"), { recursive: true })
  for (const name of addonSources) cpSync(join(addonSourceFolder(), name), join(source, name))
  mkdirSync(dirname(join(folder, addonPath)), { recursive: true })

  const { include_dir: nodeHeaders } = createRequire(import.meta.url)("node-api-headers") as { include_dir: string }
  const includes = [".", join(folder, "deps", "include"), nodeHeaders].map((path) => `-I${path}`)
  const common = ["-std=c++17", "-O3", "-fPIC", "-fno-rtti", "-fno-exceptions", "-w", `-DNAPI_VERSION=${napiVersion}`]
  let done = 0
  const runCompiler = async (args: readonly string[]) => {
    onPart?.(done, calls)
    await compileWith(compiler, args, source)
    onPart?.(++done, calls)
  }
  const compile = async (file: string, addon: string) => {
    const args = [...common, ...includes, `-DNODE_GYP_MODULE_NAME=${addon}`, "-c", file, "-o", `${file}.o`]
    await runCompiler(args)
  }
  const link = async (files: readonly string[], path: string, libraries: readonly string[]) => {
    const objects = files.map((file) => `${file}.o`)
    await runCompiler(["-shared", ...objects, "-o", join(folder, path), ...libraries])
  }
  const binding = ["binding.cc", "backend.cc", "recorder.cc", "collectives.cc", "loopback.cc"]
  await Promise.all([
    ...binding.map((file) => compile(file, "tfjs_binding")),
    compile("loader.cc", "resdet_loader").then(() => link(["loader.cc"], loaderPath, ["-ldl"])),
  ])
  const libraries = ["-l:libtensorflow_cc.so.2", "-l:libtensorflow_framework.so.2"]
  await link(binding, addonPath, [
    `-L${join(folder, libraryFolder)}`,
    `-Wl,-rpath,$ORIGIN/../../${libraryFolder}`,
    ...libraries,
  ])
}

/** How often the compiler is called: for six files and two libraries. */
const calls = 8

async function compileWith(program: string, args: readonly string[], cwd: string): Promise<void> {
  const { code, output } = await run(program, args, { cwd })
  if (code !== 0) throw new UserError(`the addon did not build: ${buildFailure(output)}`)
}

/** The line of a compiler's output that says most. */
export function buildFailure(output: string): string {
  const lines = output.split("\n").filter((line) => line.trim())
  const telling = [/No space left/, /fatal error|error:/i, /cannot find|undefined reference/]
  for (const pattern of telling) {
    const line = lines.find((text) => pattern.test(text))
    if (line) return line.trim()
  }
  return lines.at(-1) ?? "no output"
}
