import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { basename, join, resolve } from "node:path"
import { Command, CommanderError } from "commander"
import { globSync } from "tinyglobby"
import ts from "typescript"
import { afterAll, beforeAll, expect, test } from "vitest"
import { type CommandEntry, givenOptions } from "../src/cli/command.js"
import { commands } from "../src/cli/commands.js"
import { UsageError } from "../src/core/errors.js"
import { Parameters } from "../src/core/parameters.js"
import { seededRandom } from "../src/core/random.js"
import { buildFasterRcnn } from "../src/detector/build.js"
import { modelDefaults } from "../src/detector/model.js"
import { preset } from "../src/detector/presets.js"
import { startEngine } from "../src/engine/start.js"
import { saveDetector } from "../src/weights/save.js"
import { png, vocFile, vocObject, writeFiles } from "./datasets/samples.js"
import { type FencedBlock, fencedBlocks, resdetCalls, type ShellCall } from "./support/readme.js"

const examples = ["README.md", "docs/overview.md", "docs/library.md"].flatMap((file) =>
  fencedBlocks(readFileSync(file, "utf8")).flatMap((block) => (block.language === "ts" ? [{ ...block, file }] : [])),
)
/** results.md records commands with variables of the shell. */
const pages = globSync("docs/**/*.md", { ignore: "docs/results.md" }).sort()
const calls = ["README.md", ...pages].flatMap((file) => {
  return resdetCalls(fencedBlocks(readFileSync(file, "utf8"))).map((call) => ({ ...call, file }))
})
/** The pages whose examples stand for themselves: they import what they use. */
const guides = globSync(["docs/start/*.md", "docs/{concepts,cookbook,evaluation}.md"]).sort()
const guideExamples = guides.flatMap((file) => {
  const found = fencedBlocks(readFileSync(file, "utf8")).filter(({ language }) => language === "ts")
  return found.map(({ text, line }) => ({ text, name: `${basename(file, ".md")}-${line}` }))
})

/** A folder as the examples find it: a detector, photos, VOC data. Below dist, so that "resdet" is this package. */
let folder: string

beforeAll(async () => {
  mkdirSync("dist", { recursive: true })
  folder = mkdtempSync(resolve("dist", "readme-"))
  await startEngine()
  const classes = ["cat", "dog"]
  const { size: _, maxSize: __, options } = preset("light", "fasterrcnn_resnet18_c4")
  const sizes = { size: 64, maxSize: 128, options }
  const config = { ...modelDefaults, ...sizes, model: "fasterrcnn_resnet18_c4", norm: "group", frozen: 0 } as const
  const parameters = new Parameters(seededRandom(0))
  buildFasterRcnn(parameters, config, classes.length)
  saveDetector(join(folder, "detector.safetensors"), parameters, { config, classes, categoryIds: [1, 2], training: {} })
  parameters.dispose()
  const truth = vocFile(vocObject("cat", [2, 2, 20, 20]) + vocObject("dog", [5, 5, 30, 25]))
  writeFiles(folder, {
    "photos/a.png": png(40, 30),
    "photos/b.png": png(30, 40),
    "data/JPEGImages/a.png": png(40, 30),
    "data/Annotations/a.xml": truth,
    "data/ImageSets/Main/train.txt": "a\n",
    "data/ImageSets/Main/val.txt": "a\n",
    "data/ImageSets/Main/test.txt": "a\n",
  })
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

test("the README has TypeScript examples and command lines", () => {
  expect(examples.length).toBeGreaterThan(0)
  expect(calls.length).toBeGreaterThan(0)
})

test("the package is built", () => {
  expect(existsSync("dist/src/index.js"), 'run "npm run build" first').toBe(true)
})

test("all examples pass the type checker", () => {
  expect(guideExamples.length).toBeGreaterThan(0)
  const own = examples.map(({ text, file, line }) => ({ text, name: `${basename(file, ".md")}-${line}` }))
  expect(typeErrors([...own, ...guideExamples])).toEqual([])
})

/** The README's is a part of the overview's. */
test.each(examples.filter(({ file }) => file !== "README.md"))(
  "the example of $file in line $line runs",
  ({ text, line }) => {
    const { status, stderr } = runExample(text, line)
    expect(stderr).not.toMatch(/Error/)
    expect(status).toBe(0)
  },
)

test.each(calls)("the command line of $file behind line $line is one that resdet takes: $words", async (call) => {
  expect(await callFault(call)).toBeUndefined()
})

test("an example with a wrong name, a wrong type or an error is found", () => {
  const wrong = ['import { loadDetektor } from "resdet"\nloadDetektor()', "const x: number = 'one'\nexport { x }"]
  for (const text of wrong) expect(typeErrors([{ text, name: "wrong" }])).toHaveLength(1)
  expect(
    runExample('import { loadDetector } from "resdet"\nawait loadDetector("none.safetensors")', 0).status,
  ).not.toBe(0)
})

test("blocks and calls are found behind prompts, npx, && and line breaks", () => {
  const text = "```sh\n$ npm ci && npx resdet eval --gt a \\\n  --predictions 'b c' > d # why\nls\n```\n```ts\nx\n```\n"
  const found = fencedBlocks(text)
  expect(found.map(({ language, line }) => [language, line])).toEqual([
    ["sh", 1],
    ["ts", 6],
  ])
  expect(resdetCalls(found)).toEqual([{ words: ["eval", "--gt", "a", "--predictions", "b c"], line: 1 }])
})

test.each([
  [["eval", "--gtt", "a"], /unknown option '--gtt'/],
  [["evil"], /unknown command "evil"/],
  [["train", "--data", "a", "--epochs", "none"], /--epochs: expected a whole number/],
  [["detect", "photos"], /too many arguments/],
])("a command line that resdet refuses is found: %s", async (words, message) => {
  expect(await callFault({ words, line: 1 })).toMatch(message)
})

/** Why resdet would not take the words, before it does anything. */
async function callFault({ words }: ShellCall): Promise<string | undefined> {
  return faultOf(words, commands)
}

async function faultOf(
  [name, ...rest]: readonly string[],
  table: readonly CommandEntry[],
  parent = new Command("resdet"),
): Promise<string | undefined> {
  if (name === undefined || ["--help", "--version", "help"].includes(name)) return undefined
  const entry = table.find((known) => known.name === name)
  if (entry === undefined) return `unknown command "${name}"`
  const command = new Command(name)
  parent.addCommand(command)
  if ("commands" in entry) return faultOf(rest, entry.commands, command)
  const module = await entry.load()
  module.configure(command)
  command.exitOverride().configureOutput({ writeOut: () => {}, writeErr: () => {} })
  command.action(() => {})
  try {
    await command.parseAsync(rest, { from: "user" })
    const { schema, operands = [] } = module
    if (schema !== undefined && command.opts().resume === undefined) givenOptions(command, { schema, operands })
    return undefined
  } catch (error) {
    if (error instanceof UsageError) return error.message
    if (!(error instanceof CommanderError)) throw error
    return error.exitCode === 0 ? undefined : error.message
  }
}

function typeErrors(sources: readonly { readonly text: string; readonly name: string }[]): string[] {
  const files = sources.map(({ name }) => join(folder, `${name}.mts`))
  for (const [index, { text }] of sources.entries()) writeFileSync(files[index]!, text)
  const { config } = ts.readConfigFile("tsconfig.json", ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, process.cwd())
  // What an example makes and does not use further is fine.
  const checked = ts.createProgram(files, { ...options, noUnusedLocals: false, noEmit: true })
  return ts.getPreEmitDiagnostics(checked).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"))
}

function runExample(text: FencedBlock["text"], line: number) {
  const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 }
  const file = join(folder, `example-${line}.mjs`)
  writeFileSync(file, ts.transpileModule(text, { compilerOptions: options }).outputText)
  return spawnSync(process.execPath, [file], { cwd: folder, encoding: "utf8" })
}
