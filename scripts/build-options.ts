/**
 * Writes docs/options.md and schema/*.json from the schemas of the commands. A test fails when they are stale.
 * `npm run docs:options`
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { commands } from "../src/cli/commands.js"
import { allCommands, editorSchema, optionReference, schemaFile } from "../src/cli/option-reference.js"

const all = await allCommands(commands)
writeFileSync(join("docs", "options.md"), optionReference(all))
mkdirSync("schema", { recursive: true })
for (const command of all) {
  writeFileSync(join("schema", schemaFile(command)), `${JSON.stringify(editorSchema(command), null, 2)}\n`)
}
