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
const health = async () =>
  (await (await fetch(`${url}/health`)).json()) as { pending: number; longestDelayMs: number; rss: number }
const post = (body: Uint8Array, signal?: AbortSignal) =>
  fetch(url, { method: "POST", body: body as Uint8Array<ArrayBuffer>, signal: signal ?? null })

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

await health()
const megabytes = (bytes: number) => Math.round(bytes / 1e6)
let longest = 0
let next = 0
const tell = async () => {
  const { longestDelayMs, rss } = await health()
  longest = Math.max(longest, longestDelayMs)
  console.log(
    `${next} requests sent: ${megabytes(rss)} MB, event loop blocked for ${longestDelayMs.toFixed(1)} ms at most`,
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
console.log(`answers: ${JSON.stringify(count)}; longest delay ${longest.toFixed(1)} ms`)
console.log(`stopped amid calls: answers ${[...new Set(statuses)].sort().join(" and ")}, exit code ${code}`)
if (count.wrong > 0 || code !== 0 || !statuses.includes("503")) process.exitCode = 1
