import { cpSync, existsSync, mkdirSync, writeFileSync } from "node:fs"
import { cp } from "node:fs/promises"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { UserError } from "../core/errors.js"
import { addonPath, addonSourceFolder, addonSources, loaderPath, napiVersion } from "../engine/native/cache.js"
import { needCompiler, run } from "./programs.js"

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
