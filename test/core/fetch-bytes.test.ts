import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { afterEach, beforeEach, expect, test } from "vitest"
import { fetchBytes, isUrl } from "../../src/core/fetch-bytes.js"

let server: Server
let url = ""
let answer: (request: IncomingMessage, response: ServerResponse) => void

beforeEach(async () => {
  server = createServer((request, response) => answer(request, response))
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/a.png`
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise((done) => server.close(done))
})

test("an address is one of the web, not a path", () => {
  const given = ["http://host/a.jpg", "HTTPS://host", "a.jpg", "http://", "ftp://host/a.jpg", "https.jpg"]
  expect(given.filter(isUrl)).toEqual(["http://host/a.jpg", "HTTPS://host"])
})

test("the bytes behind an address come whole, also after a redirection", async () => {
  const body = Buffer.from(Array.from({ length: 70_000 }, (_, i) => i % 251))
  answer = ({ url: path }, response) => {
    if (path === "/a.png") response.writeHead(302, { location: "/b.png" }).end()
    else response.end(body)
  }
  expect(Buffer.compare(await fetchBytes(url), body)).toBe(0)
})

test("what is too much, too slow, absent or no server at all is refused in one line", async () => {
  answer = (_, response) => response.write(Buffer.alloc(3000))
  await expect(fetchBytes(url, { bytes: 2000 })).rejects.toThrow(`${url}: it has more than 0.002 MB, which is not read`)
  await expect(fetchBytes(url, { time: 50 })).rejects.toThrow(`${url}: it took longer than 0.05 s`)
  answer = (_, response) => response.writeHead(404).end("no such page")
  await expect(fetchBytes(url)).rejects.toThrow(`${url}: the server answered 404`)
  answer = (_, response) => response.destroy()
  await expect(fetchBytes(url)).rejects.toThrow(`${url} cannot be fetched: `)
  await expect(fetchBytes("http://127.0.0.1:1/a.png")).rejects.toThrow(
    /cannot be fetched: (bad port|the server refuses)/,
  )
})

test("a caller who gives up is told so, not that the server is slow", async () => {
  answer = (_, response) => response.write("x")
  const stop = new AbortController()
  const fetching = fetchBytes(url, { signal: stop.signal })
  stop.abort(new Error("enough"))
  await expect(fetching).rejects.toThrow("enough")
})
