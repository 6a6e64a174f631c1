import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { dirname, extname, join, resolve } from "node:path"
import { build } from "vite"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { decodeImage } from "../../datasets/image/decode.js"
import type { ImageDetections } from "../../src/predict/detection.js"
import { loadDetector } from "../../src/predict/load-detector.js"
import { exportModel } from "../../src/tasks/export-model.js"
import { hasChromium } from "../support/chromium.js"
import { type ChromiumPage, openInChromium } from "../support/chromium-page.js"
import { slowTest } from "../support/slow-test.js"
import { noisePhoto, saveTinyWebDetector } from "../support/web-detector.js"

const folder = mkdtempSync(join(tmpdir(), "resdet-page-"))
const [page, photo] = [join(folder, "page"), join(folder, "photo.png")]
let expected: ImageDetections
/** A site below whose path /some/where/ the page is, and one that hears of nothing. */
let site: Server
let elsewhere: Server
const heard: string[] = []

beforeAll(async () => {
  const { weights, backbone } = await saveTinyWebDetector(folder)
  const { check } = await exportModel({ weights, backbone, format: "web", out: page })
  expect(check).toMatchObject({ kind: "detector" })
  writeFileSync(photo, await noisePhoto(121, 70))
  using detector = await loadDetector(join(page, "detector.onnx"))
  expected = await detector.detect(photo)
  elsewhere = await listening(
    createServer((request, response) => {
      heard.push(request.url!)
      response.setHeader("access-control-allow-origin", "*").end("")
    }),
  )
  site = await listening(
    serveFolder(page, "/some/where/", (name) => {
      // Scripts that would tell somebody else.
      const isScript = name === "page.js" || name === "worker.js"
      return isScript ? `fetch("${addressOf(elsewhere)}/${name}").catch(() => {});` : ""
    }),
  )
})
afterAll(() => {
  site?.close()
  elsewhere?.close()
  rmSync(folder, { recursive: true })
})

const runtime = ["ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"]

const types: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".css": "text/css",
  ".wasm": "application/wasm",
}

/** A static server of a folder, at a path. @param before is put before a file's text */
function serveFolder(root: string, at = "/", before: (name: string) => string = () => ""): Server {
  return createServer((request, response) => {
    const name = request.url!.replace(at, "") || "index.html"
    const file = join(root, name)
    if (!existsSync(file)) {
      response.writeHead(404).end()
      return
    }
    response.setHeader("content-type", types[extname(name)] ?? "text/javascript")
    response.end(Buffer.concat([Buffer.from(before(name)), readFileSync(file)]))
  })
}

const listening = (server: Server) => new Promise<Server>((ready) => server.listen(0, "127.0.0.1", () => ready(server)))

const addressOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`

const rows = (opened: ChromiumPage) =>
  opened.evaluate(`[...document.querySelectorAll("#found tr")].map((row) => {
    return { label: row.cells[0].textContent, score: Number(row.cells[1].textContent), box: JSON.parse(row.dataset.box) }
  })`) as Promise<{ label: string; score: number; box: number[] }[]>

const slide = (to: number) => `threshold.value = ${to}; threshold.dispatchEvent(new Event("input"))`

const statusMatches = (pattern: RegExp) => `${pattern}.test(document.querySelector("[role=status]").textContent)`

describe.skipIf(!hasChromium)("the page that export writes", () => {
  test("finds Node's boxes in a photo and in a camera's picture, saves the picture, and nothing leaves it", async () => {
    const downloads = join(folder, "downloads")
    mkdirSync(downloads)
    const opened = await openInChromium(`${addressOf(site)}/some/where/`, { camera: true, downloads })
    try {
      await opened.until(statusMatches(/^Ready/))
      await opened.chooseFile("#file", photo)
      await opened.until(statusMatches(/objects? in \d+ ms on wasm/))
      await opened.evaluate(slide(0.05))
      const found = await rows(opened)
      expect(found.length).toBeGreaterThan(3)
      expect(found.map(({ label }) => label)).toEqual(expected.detections.map(({ label }) => label))
      for (const [i, { box, score }] of found.entries()) {
        const wanted = expected.detections[i]!
        expect(Math.max(...box.map((edge, side) => Math.abs(edge - wanted.box[side]!)))).toBeLessThan(0.01)
        expect(score).toBeCloseTo(wanted.score, 2)
      }
      await opened.evaluate(`save.click()`)
      const saved = join(downloads, "photo-boxes.png")
      for (let tries = 0; !existsSync(saved) && tries < 100; tries++)
        await new Promise((later) => setTimeout(later, 50))
      const image = await decodeImage(readFileSync(saved))
      expect([image.width, image.height]).toEqual([121, 70])

      const middle = Math.round(50 * (found[0]!.score + found.at(-1)!.score)) / 100
      await opened.evaluate(slide(middle))
      const better = found.slice(0, expected.detections.filter(({ score }) => score >= middle).length)
      expect(better.length).toBeLessThan(found.length)
      expect(await rows(opened)).toEqual(better)
      await opened.evaluate(`document.querySelector("#classes input").click()`)
      expect(await rows(opened)).toEqual(better.filter(({ label }) => label !== "cat"))
      expect(await opened.evaluate(`canvas.getAttribute("aria-label")`)).toMatch(/^photo.png with \d+ objects?$/)
      expect((await opened.screenshot()).length).toBeGreaterThan(5_000)

      await opened.evaluate(`camera.click()`)
      await opened.until(`canvas.getAttribute("aria-label").startsWith("camera.png")`)
      await opened.evaluate(`camera.click()`)
      expect(await opened.evaluate(`[camera.textContent, video.srcObject]`)).toEqual(["Use the camera", null])

      const wanted = [
        "",
        "detector.onnx",
        "ort-wasm-simd-threaded.mjs",
        "ort-wasm-simd-threaded.wasm",
        "ort.wasm.min.mjs",
      ]
      const own = [...wanted, "page.css", "page.js", "worker.js"].map((name) => `${addressOf(site)}/some/where/${name}`)
      const asked = opened.requests().filter((url) => url.startsWith("http"))
      expect(asked.sort()).toEqual(own.sort())
      expect(heard).toEqual([])
      // Of a worker's complaints the page hears nothing.
      expect(
        opened.complaints.filter((text) => /page\.js' violates .*Content Security Policy/.test(text)),
      ).toHaveLength(1)
    } finally {
      await opened.close()
    }
  })

  slowTest.each(["vite", "script-tag"])("the example %s finds the boxes too", async (name) => {
    const built = name === "vite" ? await buildWithVite() : byScriptTag()
    const served = await listening(serveFolder(built))
    const opened = await openInChromium(`${addressOf(served)}/`)
    try {
      await opened.until(statusMatches(/^own, 2 classes, on wasm/))
      await opened.chooseFile("input", photo)
      await opened.until(statusMatches(/objects in/))
      const shown = expected.detections.filter(({ score }) => score >= 0.4).length
      const [status, width, height] = (await opened.evaluate(`(() => {
        const { width, height } = document.querySelector("canvas")
        return [document.querySelector("[role=status]").textContent, width, height]
      })()`)) as [string, number, number]
      expect(status).toMatch(new RegExp(`^${shown} objects in`))
      expect([width, height]).toEqual([121, 70])
    } finally {
      await opened.close()
      served.close()
    }
  })
})

/** As the head of the example's page.js says. */
async function buildWithVite(): Promise<string> {
  const place = join(folder, "vite")
  cpSync("examples/web/vite", place, { recursive: true })
  for (const [inner, from] of [
    ["public/detector.onnx", join(page, "detector.onnx")],
    ["node_modules/resdet", resolve(".")],
    ["node_modules/onnxruntime-web", resolve("node_modules/onnxruntime-web")],
  ] as const) {
    mkdirSync(dirname(join(place, inner)), { recursive: true })
    symlinkSync(from, join(place, inner))
  }
  await build({ root: place, base: "./", configFile: false, logLevel: "error", build: { minify: false } })
  return join(place, "dist")
}

/** As the head of the example's index.html says. */
function byScriptTag(): string {
  const place = join(folder, "script-tag")
  cpSync("examples/web/script-tag", place, { recursive: true })
  cpSync("dist/web/resdet-web.js", join(place, "resdet-web.js"))
  for (const name of ["detector.onnx", ...runtime]) cpSync(join(page, name), join(place, name))
  return place
}
