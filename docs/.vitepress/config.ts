import { existsSync, readFileSync } from "node:fs"
import { relative } from "node:path"
import { globSync } from "tinyglobby"
import { defineConfig, type MarkdownEnv } from "vitepress"
import { headingSlug } from "./heading-slug.js"
import { linkOf, pageOf, withoutPage } from "./pages.js"

const { description, homepage } = JSON.parse(readFileSync("package.json", "utf8"))
const repository = homepage.replace(/#.*/, "")

const page = (text: string, source: string) => {
  if (!existsSync(source)) throw new Error(`${source}: there is no such page`)
  return { text, link: `/${pageOf(source)}` }
}

/** The first heading of a Markdown file. */
const titleOf = (source: string) => /^# (.+)$/m.exec(readFileSync(source, "utf8"))?.[1] ?? source

const decisions = globSync("docs/decisions/[0-9]*.md").sort()

/** The site of the documentation, built by `npm run docs` from the project's Markdown as it is. */
export default defineConfig({
  title: "resdet",
  description,
  srcDir: "..",
  srcExclude: withoutPage,
  outDir: "../site/html",
  cacheDir: "../node_modules/.cache/vitepress",
  rewrites: pageOf,
  cleanUrls: true,
  markdown: {
    html: false,
    anchor: { slugify: headingSlug },
    config: (markdown) => {
      markdown.core.ruler.push("links_of_the_project", ({ tokens, env }) => {
        const { path, realPath = path } = env as MarkdownEnv
        for (const link of tokens
          .flatMap(({ children }) => children ?? [])
          .filter(({ type }) => type === "link_open")) {
          link.attrSet("href", linkOf(link.attrGet("href") ?? "", relative(".", realPath), repository))
        }
      })
    },
  },
  themeConfig: {
    search: { provider: "local" },
    outline: [2, 3],
    nav: [page("Start here", "docs/start/your-photos.md"), page("Options", "docs/options.md")],
    sidebar: [
      page("What it is", "README.md"),
      {
        text: "Start here",
        items: [
          page("Your own photos", "docs/start/your-photos.md"),
          page("Scoring what you have", "docs/start/scoring.md"),
          page("A backbone from scratch", "docs/start/backbone.md"),
        ],
      },
      page("What it can do", "docs/overview.md"),
      page("Concepts", "docs/concepts.md"),
      page("Cookbook", "docs/cookbook.md"),
      page("Every option", "docs/options.md"),
      {
        text: "API reference",
        items: [
          page("resdet", "site/api/resdet.md"),
          page("resdet/eval", "site/api/resdet/eval.md"),
          page("resdet/cocoapi", "site/api/resdet/cocoapi.md"),
        ],
      },
      page("In a program", "docs/library.md"),
      page("In a browser", "docs/browser.md"),
      page("Weights", "docs/weights.md"),
      page("Results", "docs/results.md"),
      page("Performance", "docs/performance.md"),
      {
        text: "Evaluation",
        items: [page("Metrics and reports", "docs/evaluation.md"), page("At test time", "docs/test-time.md")],
      },
      page("Scale", "docs/scale.md"),
      page("Reliability", "docs/reliability.md"),
      page("Reproduce the paper", "docs/reproduce.md"),
      page("Differences", "docs/differences.md"),
      page("Coming from pycocotools", "docs/coming-from-pycocotools.md"),
      page("Coming from other tools", "docs/coming-from-elsewhere.md"),
      {
        text: "The project",
        collapsed: true,
        items: [
          page("Data sets", "datasets/README.md"),
          page("Architecture", "docs/architecture.md"),
          page("Conventions", "docs/conventions.md"),
          page("Contributing", "CONTRIBUTING.md"),
          page("Changes", "CHANGELOG.md"),
          page("Security", "SECURITY.md"),
          {
            ...page("Decisions", "docs/decisions/README.md"),
            items: decisions.map((file) => page(titleOf(file), file)),
          },
        ],
      },
    ],
  },
})
