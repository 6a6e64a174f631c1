import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { XMLValidator } from "fast-xml-parser"
import { afterAll, expect, test } from "vitest"
import { encodeImage } from "../../datasets/image/encode.js"
import { ResNet } from "../../src/backbone/classifier.js"
import { networkSpec } from "../../src/backbone/networks.js"
import { Parameters, Scope } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { startEngine } from "../../src/engine/start.js"
import { plotSvg } from "../../src/train/plot.js"
import { saveClassifier } from "../../src/weights/save.js"
import { runCommand } from "../support/run-command.js"

const folder = mkdtempSync(join(tmpdir(), "resdet-responses-"))
afterAll(() => rmSync(folder, { recursive: true }))

test("the table has a line a layer and the plot stands beside it", async () => {
  await startEngine()
  const files = ["cifar_resnet20", "cifar_plain20"].map((network) => {
    const parameters = new Parameters(seededRandom(1))
    new ResNet(new Scope(parameters), networkSpec(network), { classes: 1 })
    const config = { network, options: {}, size: 32, mean: [0, 0, 0], std: [1, 1, 1] } as const
    // As two runs have them.
    const file = join(folder, network, "weights", "last.safetensors")
    mkdirSync(dirname(file), { recursive: true })
    saveClassifier(file, parameters, { config, classes: ["cat"], training: {} })
    parameters.dispose()
    return file
  })
  mkdirSync(join(folder, "val/cat"), { recursive: true })
  const pixels = new Uint8Array(3 * 32 * 32).map((_, i) => (i * 7919) % 256)
  writeFileSync(
    join(folder, "val/cat/a.png"),
    await encodeImage({ data: pixels, height: 32, width: 32 }, { format: "png" }),
  )
  writeFileSync(join(folder, "val/cat/b.png"), "not an image")
  const out = join(folder, "out.csv")
  const { code, said } = await runCommand(
    "classify",
    "responses",
    "--weights",
    ...files,
    "--data",
    folder,
    "--out",
    out,
  )
  expect(code).toBe(3)
  expect(said).toMatch(/error: 1 of 2 images could not be read; the others are measured\n$/)

  const rows = readFileSync(out, "utf8").trimEnd().split("\n")
  expect(rows[0]).toBe("network,position,layer,deviation,rank")
  expect(rows[1]).toMatch(/^cifar_resnet20 \(cifar_resnet20\/weights\/last\),1,conv1,\d\.\d+,\d+$/)
  expect(rows.length).toBe(1 + 2 * 19)
  const plain = rows.slice(20).map((row) => row.split(","))
  const byRank = [...plain].sort((a, b) => Number(a[4]) - Number(b[4])).map((cells) => Number(cells[3]))
  expect(byRank).toEqual([...byRank].sort((a, b) => b - a))
  expect(plain.map((cells) => cells[4]).sort()).toEqual(Array.from({ length: 19 }, (_, i) => String(i + 1)).sort())

  const plot = readFileSync(join(folder, "out.svg"), "utf8")
  expect(XMLValidator.validate(plot)).toBe(true)
  expect(plot.match(/<polyline /g)).toHaveLength(4)
  expect(plot).not.toContain("var(")
})

test("lines of a plot have a look of their own and names that are safe", () => {
  const names = ["a < b", "c", "d", "e", "f", "g", "h", "i"]
  const lines = names.map((name, i) => ({ name, points: [[1, i] as const, [2, 3] as const] }))
  const svg = plotSvg([{ title: "x & y", along: "epoch", lines }])
  expect(XMLValidator.validate(svg)).toBe(true)
  expect(svg).toContain("a &lt; b")
  expect(svg).toContain("x &amp; y")
  expect(new Set(svg.match(/<g color="[^>]+>/g)).size).toBe(names.length)
  expect(new Set(svg.match(/stroke:#[^/]+\/>/g)).size).toBe(names.length)
})
