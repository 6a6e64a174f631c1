import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Readable, Writable } from "node:stream"
import { unpackedChromium } from "./chromium.js"

interface PageOptions {
  readonly width?: number
  readonly height?: number
  readonly dark?: boolean
  /** Has a camera that shows a moving pattern, which pages may use. */
  readonly camera?: boolean
  /** A folder that takes what is saved. */
  readonly downloads?: string
}

/** A page in a headless Chromium that a test looks at and acts on. */
export interface ChromiumPage {
  /** What an expression, or a promise of it, is worth in the page. */
  evaluate(expression: string): Promise<unknown>
  /** Evaluates an expression again and again until it is true. @throws Error after `seconds` */
  until(expression: string, seconds?: number): Promise<void>
  /** Sets the file of an `<input type=file>`. */
  chooseFile(selector: string, file: string): Promise<void>
  press(key: string): Promise<void>
  /** What is seen, as a PNG; the whole page, or the window. */
  screenshot(whole?: boolean): Promise<Buffer>
  /** What the page, its workers and the browser complained of. */
  readonly complaints: readonly string[]
  /** Every address that the browser asked for, by its own log. */
  requests(): string[]
  close(): Promise<void>
}

/** Opens an address in a headless Chromium and waits until it has loaded. */
export async function openInChromium(
  url: string,
  { width = 1280, height = 900, dark = false, camera = false, downloads }: PageOptions = {},
): Promise<ChromiumPage> {
  const { folder, program } = unpackedChromium()
  const profile = mkdtempSync(join(tmpdir(), "resdet-chromium-"))
  const log = join(profile, "requests.json")
  const fake = camera ? ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"] : []
  const own = [`--user-data-dir=${profile}`, `--log-net-log=${log}`, "--remote-debugging-pipe"]
  const flags = ["--headless=shell", "--no-sandbox", "--no-zygote", "--disable-gpu", ...own, ...fake, "about:blank"]
  const env = { ...process.env, HOME: profile, LD_LIBRARY_PATH: join(folder, "lib") }
  const stdio: ("ignore" | "pipe")[] = ["ignore", "ignore", "ignore", "pipe", "pipe"]
  const browser = spawn(program, flags, { env, stdio, detached: true })
  const ended = new Promise((end) => browser.once("close", end))
  const complaints: string[] = []
  const { send, once } = protocol(browser, (method, params) => {
    if (method === "Runtime.exceptionThrown") complaints.push(JSON.stringify(params.exceptionDetails))
    if (method === "Log.entryAdded") complaints.push(String((params.entry as { text: string }).text))
  })
  const close = async () => {
    if (browser.pid !== undefined && browser.exitCode === null) process.kill(-browser.pid, "SIGKILL")
    await ended
    rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
  }
  try {
    const { targetInfos } = (await send("Target.getTargets")) as { targetInfos: { type: string; targetId: string }[] }
    const { targetId } = targetInfos.find(({ type }) => type === "page")!
    const { sessionId } = (await send("Target.attachToTarget", { targetId, flatten: true })) as { sessionId: string }
    const ask = (method: string, params: object = {}) => send(method, params, sessionId)
    for (const domain of ["Page", "Runtime", "Log", "DOM"]) await ask(`${domain}.enable`)
    await ask("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: false })
    const features = [{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }]
    await ask("Emulation.setEmulatedMedia", { features })
    if (downloads) await send("Browser.setDownloadBehavior", { behavior: "allow", downloadPath: downloads })
    const loaded = once("Page.loadEventFired")
    await ask("Page.navigate", { url })
    await loaded
    const evaluate = async (expression: string) => {
      const how = { expression, awaitPromise: true, returnByValue: true }
      const { result, exceptionDetails } = (await ask("Runtime.evaluate", how)) as Evaluated
      if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text)
      return result.value
    }
    return {
      complaints,
      evaluate,
      async until(expression, seconds = 50) {
        const end = performance.now() + 1000 * seconds
        while (!(await evaluate(`Boolean(${expression})`))) {
          if (performance.now() > end) throw new Error(`not in ${seconds} s: ${expression}`)
          await new Promise((later) => setTimeout(later, 50))
        }
      },
      async chooseFile(selector, file) {
        const { root } = (await ask("DOM.getDocument")) as { root: { nodeId: number } }
        const { nodeId } = (await ask("DOM.querySelector", { nodeId: root.nodeId, selector })) as { nodeId: number }
        await ask("DOM.setFileInputFiles", { files: [file], nodeId })
      },
      async press(key) {
        await ask("Input.dispatchKeyEvent", { type: "keyDown", key, code: key, windowsVirtualKeyCode: keys[key] ?? 0 })
        await ask("Input.dispatchKeyEvent", { type: "keyUp", key, code: key })
      },
      async screenshot(whole = true) {
        const { cssContentSize: size } = (await ask("Page.getLayoutMetrics")) as { cssContentSize: object }
        const clip = whole ? { captureBeyondViewport: true, clip: { ...size, scale: 1 } } : {}
        const { data } = (await ask("Page.captureScreenshot", { format: "png", ...clip })) as { data: string }
        return Buffer.from(data, "base64")
      },
      // The log is never closed: it is no whole JSON.
      requests: () => [
        ...new Set([...readFileSync(log, "utf8").matchAll(/"url":"([^"]+)"/g)].map((match) => match[1]!)),
      ],
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

const keys: Readonly<Record<string, number>> = { Tab: 9, ArrowLeft: 37, ArrowRight: 39, End: 35, Home: 36 }

interface Evaluated {
  readonly result: { readonly value: unknown }
  readonly exceptionDetails?: { readonly text: string; readonly exception?: { readonly description?: string } }
}

type Listener = (method: string, params: Readonly<Record<string, unknown>>) => void

/** Chrome's debugging protocol over the browser's pipes: messages end with a zero byte. */
function protocol(browser: ChildProcess, listener: Listener) {
  const [into, from] = [browser.stdio[3] as Writable, browser.stdio[4] as Readable]
  const waiting = new Map<number, { resolve(value: object): void; reject(error: Error): void }>()
  const events = new Map<string, () => void>()
  let calls = 0
  let rest: Buffer[] = []
  const take = (text: string) => {
    const { id, result, error, method, params } = JSON.parse(text)
    if (id === undefined) {
      listener(method, params)
      events.get(method)?.()
      return
    }
    const call = waiting.get(id)
    waiting.delete(id)
    if (error) call?.reject(new Error(error.message))
    else call?.resolve(result)
  }
  from.on("data", (chunk: Buffer) => {
    let begin = 0
    for (let end = chunk.indexOf(0); end >= 0; end = chunk.indexOf(0, begin)) {
      take(Buffer.concat([...rest, chunk.subarray(begin, end)]).toString("utf8"))
      rest = []
      begin = end + 1
    }
    if (begin < chunk.length) rest.push(chunk.subarray(begin))
  })
  const failed = (error: Error) => {
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
  }
  browser.once("error", failed)
  browser.once("close", () => failed(new Error("the browser ended")))
  into.on("error", failed)
  return {
    send(method: string, params: object = {}, sessionId?: string): Promise<object> {
      const id = ++calls
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject })
        into.write(`${JSON.stringify({ id, method, params, ...(sessionId && { sessionId }) })}\0`)
      })
    },
    once: (method: string) => new Promise<void>((happened) => events.set(method, happened)),
  }
}
