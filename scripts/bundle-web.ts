import { copyFileSync } from "node:fs"
import { join } from "node:path"
import { rolldown } from "rolldown"
import { packageFolder } from "../src/core/own-package.js"

// `resdet/web` as one file, and the page that `resdet export --format web` writes: bundlers and script tags take the same.

const root = packageFolder()
const pages = join(root, "src/web/page")
const target = join(root, "dist/web")

await bundle(join(root, "src/web/public.ts"), join(target, "resdet-web.js"))
await bundle(join(pages, "page.ts"), join(target, "page/page.js"))
await bundle(join(pages, "worker.ts"), join(target, "page/worker.js"))
for (const name of ["index.html", "page.css"]) copyFileSync(join(pages, name), join(target, "page", name))

async function bundle(input: string, file: string): Promise<void> {
  const resolve = { extensionAlias: { ".js": [".ts", ".js"] } }
  const made = await rolldown({ input, platform: "browser", resolve, external: /^\.\/ort\./ })
  await made.write({ file, format: "esm", minify: true })
}
