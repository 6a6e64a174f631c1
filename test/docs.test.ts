import { existsSync, readFileSync } from "node:fs"
import { dirname, posix } from "node:path"
import { globSync } from "tinyglobby"
import { expect, test } from "vitest"
import { headingSlug } from "../docs/.vitepress/heading-slug.js"
import { linkOf, pageOf } from "../docs/.vitepress/pages.js"
import { rooms } from "./support/import-rules.js"

const documents = globSync(["*.md", "docs/**/*.md", "datasets/**/*.md", ".github/**/*.md"]).sort()
const textOf = (path: string) => readFileSync(path, "utf8").replaceAll("\r\n", "\n")

/** Links of a document that lead to no file of the project, or to no heading of one. */
function brokenLinks(path: string, text: string): string[] {
  const prose = text.replaceAll(/^```.*?^```/gms, "").replaceAll(/`[^`\n]*`/g, "")
  const targets = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1]!)
  return targets.filter((target) => {
    if (/^[a-z]+:/.test(target)) return false
    const [file, heading] = target.split("#") as [string, string?]
    const found = file === "" ? path : posix.join(dirname(path), file)
    if (!existsSync(found)) return true
    return heading !== undefined && !anchorsOf(textOf(found)).includes(heading)
  })
}

const anchorsOf = (text: string) => [...text.matchAll(/^#+ (.+)$/gm)].map(([, title]) => headingSlug(title!))

test.each(documents)("every link of %s leads somewhere", (path) => {
  expect(brokenLinks(path, textOf(path))).toEqual([])
})

test("a link to a missing file or heading is found", () => {
  const text = "[a](none.md) [b](README.md#nothing) [c](README.md#results) [d](https://a.b/c) `[e](none.md)`\n"
  expect(brokenLinks("CHANGELOG.md", text)).toEqual(["none.md", "README.md#nothing"])
})

test("CONTRIBUTING's table of imports is the one that is enforced", () => {
  const rows = textOf("CONTRIBUTING.md").matchAll(/^\| ([a-z, ]+) \| (.+) \|$/gm)
  const told = [...rows].flatMap(([, names, cell]) => {
    if (!names!.split(", ").every((name) => name in rooms)) return []
    const [may, types] = cell!.split("; ")
    const rule = {
      may: may === "nothing of ours" ? [] : may!.split(", "),
      ...(types && { types: [types.replace(" as types", "")] }),
    }
    return names!.split(", ").map((name) => [name, rule] as const)
  })
  expect(Object.fromEntries(told)).toEqual(rooms)
})

/** The files and folders of the project that a document names; `<name>` stands for what a reader fills in. */
function namedPaths(text: string): string[] {
  const prose = text.replaceAll(/^```.*?^```/gms, "")
  const names = [...prose.matchAll(/`([^`\s<]+)`/g)].map((match) => match[1]!)
  return names.filter((name) => /^(src|datasets|test|docs|schema|scripts|examples)\//.test(name))
}

test.each(documents)("%s names only files and folders that are there", (path) => {
  expect(namedPaths(textOf(path)).filter((name) => globSync(name, { onlyFiles: false }).length === 0)).toEqual([])
})

test("a file that is not there is found among a document's names", () => {
  expect(namedPaths("`src/none.ts` `src/{rpn,roi}/none.ts` `src/<room>` `npm test`")).toEqual([
    "src/none.ts",
    "src/{rpn,roi}/none.ts",
  ])
  expect(globSync("src/none.ts", { onlyFiles: false })).toEqual([])
  expect(globSync("src/rpn/", { onlyFiles: false })).not.toEqual([])
})

test.each([
  ["README.md", "index.md"],
  ["docs/options.md", "options.md"],
  ["docs/decisions/README.md", "decisions/index.md"],
  ["site/api/resdet/eval.md", "api/resdet/eval.md"],
  ["CONTRIBUTING.md", "contributing.md"],
])("%s is %s on the site", (source, page) => {
  expect(pageOf(source)).toBe(page)
})

test("a link leads to a page of the site, else to the file in the repository, and a dead one is an error", () => {
  const link = (target: string) => linkOf(target, "docs/options.md", "https://a.b/c")
  expect(link("weights.md#export")).toBe("/weights.md#export")
  expect(link("decisions/")).toBe("/decisions/index.md")
  expect(link("../LICENSE")).toBe("https://a.b/c/blob/main/LICENSE")
  expect(link("https://d.e")).toBe("https://d.e")
  expect(() => link("none.md")).toThrow('docs/options.md: the link to "none.md" leads nowhere')
})
