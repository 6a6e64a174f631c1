import { existsSync } from "node:fs"
import { createRequire } from "node:module"
import { homedir } from "node:os"
import { dirname, join } from "node:path"

/** The folder of this package: a checkout, or where npm installed it. */
export const packageFolder = (): string => dirname(createRequire(import.meta.url).resolve("resdet/package.json"))

/**
 * How a user calls one of resdet's commands here, for messages that name a cure.
 * @param words such as `setup --gpu`
 */
export function callOf(words: string): string {
  const isCheckout = existsSync(join(packageFolder(), "tsconfig.build.json"))
  const [name, ...flags] = words.split(" ")
  // In a checkout the script builds first.
  if (isCheckout && name === "setup") return ["npm run setup", ...flags].join(flags.length > 0 ? " -- " : "")
  return `npx resdet ${words}`
}

type Environment = Readonly<Record<string, string | undefined>>

/** The user's cache folder for resdet: `RESDET_CACHE`, else where the platform keeps caches. */
export function cacheFolder(environment: Environment = process.env, platform: string = process.platform): string {
  const { RESDET_CACHE, XDG_CACHE_HOME, LOCALAPPDATA } = environment
  if (RESDET_CACHE) return RESDET_CACHE
  if (platform === "darwin") return join(homedir(), "Library", "Caches", "resdet")
  if (platform === "win32") return join(LOCALAPPDATA ?? join(homedir(), "AppData", "Local"), "resdet")
  return join(XDG_CACHE_HOME || join(homedir(), ".cache"), "resdet")
}
