import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { brotliDecompressSync } from "node:zlib"

/**
 * A GPU played by the processor, so that WebGPU can be tested everywhere: SwiftShader, out of the Chromium build that
 * `@sparticuz/chromium` carries (Linux on x86-64 alone).
 * @returns the file for `VK_ICD_FILENAMES`, or undefined where there is none
 */
export function swiftShader(): string | undefined {
  if (process.platform !== "linux" || process.arch !== "x64") return undefined
  const chromium = dirname(createRequire(import.meta.url).resolve("@sparticuz/chromium"))
  const root = chromium.slice(0, chromium.lastIndexOf("@sparticuz"))
  const folder = join(root, ".cache", "swiftshader")
  const description = join(folder, "vk_swiftshader_icd.json")
  if (existsSync(description)) return description
  mkdirSync(dirname(folder), { recursive: true })
  const unpacked = mkdtempSync(`${folder}-`)
  const archive = readFileSync(join(root, "@sparticuz/chromium/bin/swiftshader.tar.br"))
  execFileSync("tar", ["-x", "-C", unpacked], { input: brotliDecompressSync(archive) })
  try {
    renameSync(unpacked, folder)
  } catch {
    // Another test process was first.
    rmSync(unpacked, { recursive: true })
  }
  return description
}
