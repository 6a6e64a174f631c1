import { execFileSync, spawn } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { createServer, type IncomingMessage } from "node:http"
import { createRequire } from "node:module"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { dirname, extname, join } from "node:path"
import { text } from "node:stream/consumers"
import { setTimeout } from "node:timers/promises"
import { brotliDecompressSync } from "node:zlib"

const root = join(import.meta.dirname, "../..")
const types: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".json": "application/json",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
}

/** Whether the Chromium that `@sparticuz/chromium` carries runs here. */
export const hasChromium = process.platform === "linux" && process.arch === "x64"

interface ChromiumOptions {
  readonly seconds?: number
  /** Files beside the repository's, by their paths on the server. */
  readonly files?: Readonly<Record<string, Uint8Array>>
  /** Lets the browser have a GPU, which the processor plays. */
  readonly gpu?: boolean
}

/** What a page posted, and every address that the browser asked for, by its own log. */
interface ChromiumRun {
  readonly posted: unknown
  readonly requests: readonly string[]
}

/** As `visitInChromium`, for what the page posts alone. */
export const runInChromium = async (page: string, options?: ChromiumOptions): Promise<unknown> =>
  (await visitInChromium(page, options)).posted

/**
 * Opens a page in a headless Chromium and waits for what its script posts to `/done`. Every file of the repository is
 * there at its own path.
 * @throws Error after `seconds`
 */
export async function visitInChromium(
  page: string,
  { seconds = 50, files = {}, gpu = false }: ChromiumOptions = {},
): Promise<ChromiumRun> {
  const { folder, program } = unpackedChromium()
  const profile = mkdtempSync(join(tmpdir(), "resdet-chromium-"))
  const { promise, resolve, reject } = withResolvers<unknown>()
  const answer = async (request: IncomingMessage): Promise<{ body: string | Uint8Array; type: string }> => {
    const { pathname } = new URL(request.url!, "http://localhost")
    if (pathname === "/done") {
      resolve(JSON.parse(await text(request)))
      return { body: "", type: "text/plain" }
    }
    if (pathname === "/") return { body: page, type: "text/html" }
    const body = files[pathname] ?? readFileSync(join(root, pathname))
    return { body, type: types[extname(pathname)] ?? "text/plain" }
  }
  const server = createServer((request, response) => {
    answer(request).then(
      ({ body, type }) => response.setHeader("content-type", type).end(body),
      () => response.writeHead(404).end(),
    )
  })
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening))
  const { port } = server.address() as AddressInfo
  const log = join(profile, "requests.json")
  const graphics = gpu ? ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"] : ["--disable-gpu"]
  const own = [`--user-data-dir=${profile}`, `--log-net-log=${log}`]
  const flags = ["--headless=shell", "--no-sandbox", "--no-zygote", ...graphics, ...own]
  const env = { ...process.env, HOME: profile, LD_LIBRARY_PATH: join(folder, "lib") }
  const browser = spawn(program, [...flags, `http://127.0.0.1:${port}/`], { env, stdio: "ignore", detached: true })
  const ended = new Promise((end) => browser.once("close", end))
  browser.once("error", reject)
  const timer = globalThis.setTimeout(
    () => reject(new Error(`the page posted nothing in ${seconds} s`)),
    1000 * seconds,
  )
  try {
    const posted = await promise
    const origin = `http://127.0.0.1:${port}`
    // The browser writes it a little later than it asks, in order: with the last request all are there.
    let logged = readFileSync(log, "utf8")
    for (let i = 0; i < 500 && !logged.includes(`"url":"${origin}/done"`); i++) {
      await setTimeout(20)
      logged = readFileSync(log, "utf8")
    }
    // The log is never closed: it is no whole JSON.
    const addresses = [...logged.matchAll(/"url":"([^"]+)"/g)].map((match) => match[1]!)
    const requests = [...new Set(addresses)].map((url) => (url.startsWith(origin) ? url.slice(origin.length) : url))
    return { posted, requests: requests.sort() }
  } finally {
    clearTimeout(timer)
    // Its helpers too, which would go on writing into the profile.
    if (browser.pid !== undefined) process.kill(-browser.pid, "SIGKILL")
    await ended
    server.closeAllConnections()
    server.close()
    rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
  }
}

/** The browser with its libraries, unpacked once. */
export function unpackedChromium(): { folder: string; program: string } {
  const chromium = dirname(createRequire(import.meta.url).resolve("@sparticuz/chromium"))
  const modules = chromium.slice(0, chromium.lastIndexOf("@sparticuz"))
  const folder = join(modules, ".cache", "chromium-gpu")
  const program = join(folder, "chromium")
  if (existsSync(program)) return { folder, program }
  mkdirSync(dirname(folder), { recursive: true })
  const made = mkdtempSync(`${folder}-`)
  const archive = (name: string) => brotliDecompressSync(readFileSync(join(modules, "@sparticuz/chromium/bin", name)))
  writeFileSync(join(made, "chromium"), archive("chromium.br"), { mode: 0o755 })
  for (const name of ["al2023.tar.br", "swiftshader.tar.br"])
    execFileSync("tar", ["-x", "-C", made], { input: archive(name) })
  try {
    renameSync(made, folder)
  } catch {
    // Another test process was first.
    rmSync(made, { recursive: true })
  }
  return { folder, program }
}

function withResolvers<T>() {
  let resolve!: (value: T) => void
  let reject!: (error: Error) => void
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}
