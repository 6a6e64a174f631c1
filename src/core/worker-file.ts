import { existsSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { packageFolder } from "./own-package.js"

/**
 * The compiled file of a worker thread, which lies beside the one that starts it, or under dist/ when that one is run as TypeScript
 * by a test.
 * @param starter `import.meta.url` of the file that starts the thread
 */
export function workerFile(starter: string, name: string): string {
  const folder = dirname(fileURLToPath(starter))
  const path = starter.endsWith(".ts") ? join(compiled(folder), name) : join(folder, name)
  if (!existsSync(path)) throw new Error(`workerFile: expected the compiled worker at ${path}. Run npm run build`)
  return path
}

function compiled(folder: string): string {
  const root = packageFolder()
  return join(root, "dist", relative(root, folder))
}
