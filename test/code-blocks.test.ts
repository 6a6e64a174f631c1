import { existsSync, readFileSync } from "node:fs"
import { globSync } from "tinyglobby"
import ts from "typescript"
import { expect, test } from "vitest"
import { parse } from "yaml"
import { rooms } from "./support/import-rules.js"
import { type FencedBlock, fencedBlocks } from "./support/readme.js"

// TypeScript and calls of resdet are looked at in readme.test.ts; here are all other blocks of all pages.

const pages = globSync(["*.md", "docs/**/*.md", "datasets/**/*.md"]).sort()
const blocks = pages.flatMap((file) => fencedBlocks(readFileSync(file, "utf8")).map((block) => ({ ...block, file })))
const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { scripts: Record<string, string> }

/** What is wrong with a block, one line each. */
function blockFaults({ language, text }: Pick<FencedBlock, "language" | "text">): string[] {
  switch (language) {
    case "ts":
    case "text":
      return []
    case "js":
      return scriptFaults(text)
    case "json":
      return faultsOf(() => JSON.parse(text))
    case "yaml":
      return faultsOf(() => parse(text))
    case "":
    case "sh":
      return missingPrograms(text)
    default:
      return [`nothing looks at blocks in "${language}"`]
  }
}

function faultsOf(read: () => unknown): string[] {
  try {
    read()
    return []
  } catch (error) {
    return [(error as Error).message]
  }
}

/** Wrong syntax, and names that `resdet/web` does not have. */
function scriptFaults(text: string): string[] {
  const { diagnostics = [] } = ts.transpileModule(text, { reportDiagnostics: true, fileName: "block.js" })
  const known = readFileSync("src/web/public.ts", "utf8")
  const imports = [...text.matchAll(/import \{([^}]*)\} from "resdet\/web"/g)].flatMap(([, names]) => names!.split(","))
  const unknown = imports.map((name) => name.trim()).filter((name) => !new RegExp(`\\b${name}\\b`).test(known))
  const wrong = diagnostics.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"))
  return [...wrong, ...unknown.map((name) => `resdet/web has no ${name}`)]
}

/** Scripts of the package and of the repository that a shell block calls and that are not there. */
function missingPrograms(text: string): string[] {
  const named = [...text.matchAll(/\bnpm (?:run (?:-s )?|(?=test\b))([\w:-]+)/g)].map((match) => match[1]!)
  const files = [...text.matchAll(/\b(?:node|python3?)\s+(?:dist\/)?((?:scripts|examples|docs)\/[\w./-]+)/g)]
  return [
    ...named.filter((name) => scripts[name] === undefined).map((name) => `npm has no script ${name}`),
    ...files.flatMap(([, file]) =>
      existsSync(file!.replace(/\.js$/, ".ts")) || existsSync(file!) ? [] : [`no ${file}`],
    ),
  ]
}

test("every block of every page can be read, and names what is there", () => {
  const faults = blocks.flatMap((block) => blockFaults(block).map((fault) => `${block.file}:${block.line}: ${fault}`))
  expect(blocks.length).toBeGreaterThan(80)
  expect(faults).toEqual([])
})

test.each([
  ["js", 'import { loadDetektor } from "resdet/web"', "resdet/web has no loadDetektor"],
  ["js", "const = 1", "Variable declaration expected."],
  ["yaml", "a: [1", "Flow sequence in block collection must be sufficiently indented and end with a ]"],
  ["sh", "npm run nothing && node dist/scripts/none.js", "npm has no script nothing"],
  ["ruby", "puts 1", 'nothing looks at blocks in "ruby"'],
])("a wrong block in %s is found: %s", (language, text, fault) => {
  expect(blockFaults({ language, text })[0]).toContain(fault)
})

test("the picture of the rooms has every room", () => {
  const drawn = [...readFileSync("docs/rooms.svg", "utf8").matchAll(/class="name"[^>]*>([^<]+)</g)].map(
    ([, name]) => name,
  )
  expect(Object.keys(rooms).filter((room) => !drawn.includes(room))).toEqual([])
})
