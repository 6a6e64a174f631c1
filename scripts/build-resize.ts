/**
 * Assembles datasets/image/resize.wat into datasets/image/resize-wasm.ts: a module of a few hundred bytes as text, so that it
 * is there wherever the code is. A test tells when the two no longer belong together.
 * `npm run build:resize`
 */
import { readFileSync, writeFileSync } from "node:fs"
import { assembled } from "./assemble.js"

const source = "datasets/image/resize.wat"
const target = "datasets/image/resize-wasm.ts"
const text = (await assembled(source, readFileSync(source, "utf8"))).toString("base64")
const lines = text.match(/.{1,110}/g)!.map((line) => `  "${line}",`)
writeFileSync(
  target,
  `/** resize.wat, assembled by \`npm run build:resize\`; base64. */\nexport const resizeWasm = [\n${lines.join("\n")}\n].join("")\n`,
)
