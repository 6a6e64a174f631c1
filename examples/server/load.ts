// Tries the server beside this file: good and bad images mixed, some at once, some given up; then it is stopped amid calls.
// node load.ts <weights> <folder of images> [requests]
import { spawn } from "node:child_process"
import { once } from "node:events"
import { readdirSync, readFileSync } from "node:fs"
import { extname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { loadDetector } from "resdet"

const [weights, folder, requests = "200"] = process.argv.slice(2)
if (weights === undefined || folder === undefined) throw new Error("load: expected weights and a folder of images")
const atOnce = 8

const images = readdirSync(folder).map((name) => readFileSync(join(folder, name)))
const alone: string[] = []
{
  using detector = await loadDetector(weights)
  for (const image of images) alone.push(JSON.stringify(await detector.detect(image)))
}

const file = fileURLToPath(new URL(`server${extname(import.meta.url)}`, import.meta.url))
const server = spawn(process.execPath, [file, weights, "0"], { stdio: ["ignore", "pipe", "inherit"] })
process.on("exit", () => server.kill())
const [line] = (await once(server.stdout, "data")) as [Buffer]
const url = `http://127.0.0.1:${/\d+/.exec(String(line))}`
interface Health {
  readonly pending: number
  readonly longestDelayMs: number
  readonly p99DelayMs: number
  readonly rss: number
}
const health = async () => (await (await fetch(`${url}/health`)).json()) as Health
const post = (body: Uint8Array, signal?: AbortSignal) =>
  fetch(url, { method: "POST", body: body as Uint8Array<ArrayBuffer>, signal: signal ?? null })

// A process that does nothing beside them: what it is delayed by is the machine's doing, not the server's.
const idleCode = `
const { monitorEventLoopDelay } = require("node:perf_hooks")
const delays = monitorEventLoopDelay({ resolution: 1 })
delays.enable()
process.on("message", () => {
  process.send({ longest: delays.max / 1e6, p99: delays.percentile(99) / 1e6 })
  delays.reset()
})
process.send("ready")`
const idle = spawn(process.execPath, ["--eval", idleCode], { stdio: ["ignore", "inherit", "inherit", "ipc"] })
process.on("exit", () => idle.kill())
await once(idle, "message")
async function idleDelays(): Promise<{ readonly longest: number; readonly p99: number }> {
  idle.send("delays")
  const [delays] = await once(idle, "message")
  return delays
}

// Each fifth is cut off, each seventh no image at all; each hundredth is given up.
const count = { equal: 0, refused: 0, "given up": 0, wrong: 0 }
const isBad = (n: number) => n % 5 === 4 || n % 7 === 6
async function one(n: number): Promise<keyof typeof count> {
  const image = images[n % images.length]!
  if (n % 100 === 12) {
    const gone = new AbortController()
    setTimeout(() => gone.abort(), 5)
    return post(image, gone.signal).then(
      () => "wrong",
      () => "given up",
    )
  }
  const response = await post(n % 7 === 6 ? Buffer.from("no image") : n % 5 === 4 ? image.subarray(0, 99) : image)
  const text = await response.text()
  if (isBad(n)) return response.status === 422 ? "refused" : "wrong"
  return text === alone[n % images.length] ? "equal" : "wrong"
}

await Promise.all([health(), idleDelays()])
const megabytes = (bytes: number) => Math.round(bytes / 1e6)
const ms = (value: number) => `${value.toFixed(1)} ms`
const worst = { server: 0, serverP99: 0, idle: 0, idleP99: 0 }
let next = 0
const tell = async () => {
  const [{ longestDelayMs, p99DelayMs, rss }, beside] = await Promise.all([health(), idleDelays()])
  worst.server = Math.max(worst.server, longestDelayMs)
  worst.serverP99 = Math.max(worst.serverP99, p99DelayMs)
  worst.idle = Math.max(worst.idle, beside.longest)
  worst.idleP99 = Math.max(worst.idleP99, beside.p99)
  console.log(
    `${next} requests sent: ${megabytes(rss)} MB, event loop delayed by ${ms(longestDelayMs)} at most, ` +
      `p99 ${ms(p99DelayMs)}; an idle process's by ${ms(beside.longest)}, p99 ${ms(beside.p99)}`,
  )
}
const client = async () => {
  while (next < Number(requests)) {
    const n = next++
    count[await one(n)]++
    if ((n + 1) % Math.max(1, Number(requests) >> 2) === 0) await tell()
  }
}
await Promise.all(Array.from({ length: atOnce }, client))
await tell()
idle.kill()

// Whoever has not been heard when the server stops listening finds the connection closed.
const stopped = Array.from({ length: atOnce }, () =>
  post(images[0]!).then(
    ({ status }) => String(status),
    () => "closed",
  ),
)
while ((await health()).pending === 0) await new Promise((resolve) => setTimeout(resolve, 1))
server.kill("SIGTERM")
const statuses = await Promise.all(stopped)
const [code] = await once(server, "exit")
console.log(`answers: ${JSON.stringify(count)}`)
console.log(
  `longest delay ${ms(worst.server)}, worst p99 ${ms(worst.serverP99)}; ` +
    `of an idle process ${ms(worst.idle)}, ${ms(worst.idleP99)}`,
)
console.log(`stopped amid calls: answers ${[...new Set(statuses)].sort().join(" and ")}, exit code ${code}`)
if (count.wrong > 0 || code !== 0 || !statuses.includes("503")) process.exitCode = 1
