import { existsSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { cacheFolder, callOf, packageFolder } from "../../src/core/own-package.js"

describe("cacheFolder", () => {
  it("is RESDET_CACHE, else the platform's cache", () => {
    expect(cacheFolder({ RESDET_CACHE: "/a", XDG_CACHE_HOME: "/b" }, "linux")).toBe("/a")
    expect(cacheFolder({ XDG_CACHE_HOME: "/b" }, "linux")).toBe(join("/b", "resdet"))
    expect(cacheFolder({}, "darwin")).toContain(join("Library", "Caches", "resdet"))
    expect(cacheFolder({ LOCALAPPDATA: "/c" }, "win32")).toBe(join("/c", "resdet"))
  })
})

describe("callOf", () => {
  it("names commands that exist in a checkout", () => {
    expect(existsSync(join(packageFolder(), "package.json"))).toBe(true)
    expect(callOf("setup")).toBe("npm run setup")
    expect(callOf("setup --gpu")).toBe("npm run setup -- --gpu")
    expect(callOf("doctor")).toBe("npx resdet doctor")
  })
})
