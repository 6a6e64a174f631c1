import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { UserError } from "../../src/core/errors.js"
import { type DownloadOptions, download } from "../../src/setup/download.js"

const body = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 7919) % 251))
const sha256 = createHash("sha256").update(body).digest("hex")

let folder = ""
let server: Server
let url = ""
/** What the server was asked for: the range of each call. */
let asked: (string | undefined)[] = []
let answer: (request: IncomingMessage, response: ServerResponse) => void

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "resdet-download-"))
  asked = []
  server = createServer((request, response) => {
    asked.push(request.headers.range)
    answer(request, response)
  })
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/w-${sha256.slice(0, 8)}.pth`
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise((done) => server.close(done))
  rmSync(folder, { recursive: true })
})

/** A server as they are: it serves ranges. */
function send(request: IncomingMessage, response: ServerResponse, upTo = body.length, rest = body): void {
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0)
  if (start >= rest.length) return void response.writeHead(416).end()
  response.writeHead(start > 0 ? 206 : 200, { "content-length": rest.length - start })
  if (upTo >= rest.length) return void response.end(rest.subarray(start))
  response.write(rest.subarray(start, upTo), () => setTimeout(() => response.destroy(), 100))
}

const to = () => join(folder, "weights", "w.pth")
const get = (options: DownloadOptions = {}, hex = sha256.slice(0, 8)) =>
  download({ url, check: { algorithm: "sha256", hex } }, to(), { pause: 1, ...options })

test("a file is fetched once, checked and put into its place", async () => {
  answer = send
  const progress: [number, number | undefined][] = []
  await get({ onProgress: (done, total) => progress.push([done, total]) })
  expect(readFileSync(to()).equals(body)).toBe(true)
  expect(progress.at(-1)).toEqual([body.length, body.length])
  await get()
  expect(asked).toHaveLength(1)
  expect(readdirSync(join(folder, "weights"))).toEqual(["w.pth"])
})

test("redirects are followed", async () => {
  answer = (request, response) => {
    if (request.url === "/there") send(request, response)
    else response.writeHead(302, { location: "/there" }).end()
  }
  await get()
  expect(readFileSync(to()).equals(body)).toBe(true)
})

test("a download that is broken off goes on where it stopped, as often as something comes", async () => {
  answer = (request, response) => send(request, response, asked.length * 12_000)
  const told: string[] = []
  await get({ onLog: (line) => told.push(line) })
  expect(readFileSync(to()).equals(body)).toBe(true)
  expect(asked.slice(0, 3)).toEqual([undefined, "bytes=12000-", "bytes=24000-"])
  expect(told[0]).toMatch(/^the download broke off \(.+\): trying to go on$/)
})

test("one that was given up goes on in the next call", async () => {
  answer = (request, response) => send(request, response, 30_000)
  await expect(get()).rejects.toThrow(/cannot be fetched: .*\. Put w\.pth into .*; it is published at http/)
  expect(existsSync(to())).toBe(false)
  asked = []
  answer = send
  await get()
  expect(asked).toEqual(["bytes=30000-"])
  expect(readFileSync(to()).equals(body)).toBe(true)
})

test("a server without ranges sends it all again", async () => {
  answer = (_, response) => {
    response.writeHead(200, { "content-length": body.length })
    if (asked.length > 1) response.end(body)
    else response.write(body.subarray(0, 5000), () => setTimeout(() => response.destroy(), 100))
  }
  await get()
  expect(readFileSync(to()).equals(body)).toBe(true)
})

test("a slow server is waited for, one that sends nothing is not", async () => {
  answer = (_, response) => {
    response.writeHead(200, { "content-length": body.length })
    for (let i = 0; i < 10; i++) setTimeout(() => response.write(body.subarray(i * 10_000, (i + 1) * 10_000)), i * 30)
  }
  await get({ stalledAfter: 200 })
  expect(asked).toHaveLength(1)
  rmSync(to())
  answer = (_, response) => void response.writeHead(200, { "content-length": body.length }).flushHeaders()
  await expect(get({ stalledAfter: 50 })).rejects.toThrow("cannot be fetched: nothing came any more")
})

test("another file than the published one is refused and not kept", async () => {
  answer = (request, response) => send(request, response, undefined, body.subarray(1))
  await expect(get()).rejects.toThrow(new RegExp(`is not the file of ${url}: its SHA-256 begins .{8}, expected`))
  expect(readdirSync(join(folder, "weights"))).toEqual([])
  answer = send
  await get()
  writeFileSync(to(), "damaged")
  await expect(get()).rejects.toThrow(/Remove it$/)
})

test("MD5, where no more is published", async () => {
  answer = send
  const hex = createHash("md5").update(body).digest("hex")
  await download({ url, check: { algorithm: "md5", hex } }, to())
  expect(existsSync(to())).toBe(true)
})

test("what the server refuses is told, what it cannot do now is tried again", async () => {
  answer = (_, response) => void response.writeHead(404).end()
  await expect(get()).rejects.toThrow(new UserError(`${url}: the server answered 404`))
  answer = (request, response) => (asked.length < 4 ? void response.writeHead(503).end() : send(request, response))
  await get()
})

test("--offline asks nobody, and says what to put where", async () => {
  await expect(get({ offline: true })).rejects.toThrow(
    new UserError(`--offline: w.pth is not here. Put w.pth into ${join(folder, "weights")}; it is published at ${url}`),
  )
  expect(asked).toEqual([])
})

test("a name that is not known, or a server that is not there, is one line", async () => {
  url = "http://nowhere.invalid/w.pth"
  await expect(get()).rejects.toThrow(
    /^http:\/\/nowhere\.invalid\/w\.pth cannot be fetched: its name is not known here/,
  )
  url = "http://127.0.0.1:9/w.pth"
  await expect(get()).rejects.toThrow(UserError)
})

test("a signal ends it, and the next call goes on", async () => {
  const stop = new AbortController()
  answer = (_, response) => {
    response.writeHead(200, { "content-length": body.length })
    response.write(body.subarray(0, 40_000))
  }
  const stopped = get({ signal: stop.signal, onProgress: () => stop.abort() })
  await expect(stopped).rejects.toThrow(/abort/i)
  asked = []
  answer = send
  await get()
  expect(asked[0]).toMatch(/^bytes=[1-9]\d*-$/)
})

describe("where there is no space", () => {
  test("it is told before anything is fetched", async () => {
    answer = (_, response) => void response.writeHead(200, { "content-length": 1e17 }).flushHeaders()
    await expect(get()).rejects.toThrow(/ MB free, expected 100000000000 MB$/)
  })

  test("it is told in one line when the disk turns out to be full", async () => {
    answer = send
    const module = JSON.stringify(new URL("../../dist/src/setup/download.js", import.meta.url).href)
    const program = `
      process.on("SIGXFSZ", () => {})
      const { download } = await import(${module})
      const check = { algorithm: "sha256", hex: "" }
      await download({ url: "data:,${"x".repeat(3000)}", check }, ${JSON.stringify(to())}).catch(({ message }) => console.log(message))`
    const limited = ["-c", 'ulimit -f 1; exec "$0" --input-type=module -e "$1"', process.execPath, program]
    const { stdout } = spawnSync("sh", limited, { encoding: "utf8" })
    expect(stdout).toMatch(/^there is no space for w\.pth in .*: make some, and try again to go on\n$/)
  })
})
