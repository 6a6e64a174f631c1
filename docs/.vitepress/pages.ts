import { existsSync } from "node:fs"
import { posix } from "node:path"

/** The Markdown of the project that has no page on the site. */
export const withoutPage = ["test/**", "src/**", "runs/**", ".*/**"]

/** Where on the site the Markdown file of the project is; paths from the project's root. */
export function pageOf(source: string): string {
  if (source === "README.md") return "index.md"
  const page = source.replace(/^(docs|site)\//, "").replace(/(^|\/)README\.md$/, "$1index.md")
  return page === page.toUpperCase().replace(/\.MD$/, ".md") ? page.toLowerCase() : page
}

/**
 * Where a link leads on the site: a page, or a file in the repository.
 *
 * @param target as in the Markdown: an address, or a path from the file
 * @param source the Markdown file, from the project's root
 * @param repository address of the repository
 * @throws Error if there is no such file
 */
export function linkOf(target: string, source: string, repository: string): string {
  if (/^([a-z]+:|#|\/)/.test(target)) return target
  const [path = "", heading] = target.split("#")
  const file = posix.join(posix.dirname(source), path).replace(/\/$/, "")
  const hash = heading === undefined ? "" : `#${heading}`
  for (const page of [file, `${file}/README.md`]) {
    if (page.endsWith(".md") && existsSync(page)) return `/${pageOf(page)}${hash}`
  }
  if (!existsSync(file)) throw new Error(`${source}: the link to "${target}" leads nowhere`)
  return `${repository}/blob/main/${file}`
}
