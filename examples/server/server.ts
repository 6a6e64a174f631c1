// A server that finds objects in images: POST the bytes of an image file, get its detections as JSON. GET /health tells how it is.
// node server.ts <weights> [port]
import { createServer, type IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"
import { monitorEventLoopDelay } from "node:perf_hooks"
import { BusyError, DataError, DisposedError, loadDetector } from "resdet"

const [weights, port = "8080"] = process.argv.slice(2)
if (weights === undefined) throw new Error("server: expected the path of a weights file")
const limits = { bytes: 20e6, waiting: 64 }

// The network runs in a thread of its own: this one only reads and writes.
const detector = await loadDetector(weights, { maxQueue: limits.waiting })
const delays = monitorEventLoopDelay({ resolution: 1 })
delays.enable()

const server = createServer(async (request, response) => {
  const answer = (status: number, body: unknown) => {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body))
  }
  if (request.url === "/health") return answer(200, health())
  if (request.method !== "POST") return answer(405, { error: "POST the bytes of an image file" })
  // Whoever hangs up waits for nothing any more.
  const gone = new AbortController()
  response.on("close", () => gone.abort())
  try {
    const image = await bodyOf(request)
    answer(200, await detector.detect(image, { signal: gone.signal, transfer: true }))
  } catch (error) {
    if (gone.signal.aborted) return
    const status = statusOf(error)
    answer(status, { error: status === 500 ? "internal error" : (error as Error).message })
    if (status === 500) console.error(error)
  }
})

async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > limits.bytes) throw new DataError(`the image has more than ${limits.bytes / 1e6} MB`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function statusOf(error: unknown): number {
  if (error instanceof DataError) return 422
  return error instanceof BusyError || error instanceof DisposedError ? 503 : 500
}

/** Since it was asked last: by how much the event loop was delayed, at most and in 99 of 100 turns. */
function health() {
  const [longestDelayMs, p99DelayMs] = [delays.max / 1e6, delays.percentile(99) / 1e6]
  delays.reset()
  return { pending: detector.pending, longestDelayMs, p99DelayMs, rss: process.memoryUsage.rss() }
}

server.listen(Number(port), () => console.log(`listening on port ${(server.address() as AddressInfo).port}`))

// Calls that are not done are answered at once with a 503.
process.on("SIGTERM", () => {
  detector.dispose()
  server.close()
})
