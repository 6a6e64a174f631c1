import { join } from "node:path"
import { rolldown } from "rolldown"
import { packageFolder } from "../src/core/own-package.js"

// `resdet/web` as one file: bundlers and script tags take the same.

const root = packageFolder()
const bundle = await rolldown({
  input: join(root, "src/web/public.ts"),
  platform: "browser",
  resolve: { extensionAlias: { ".js": [".ts", ".js"] } },
})
await bundle.write({ file: join(root, "dist/web/resdet-web.js"), format: "esm", minify: true })
