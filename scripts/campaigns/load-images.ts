/**
 * What `detect` needs for very many images: memory after 1,000, 10,000 and all of them, the time to the first one, images a second.
 * The images are links to a few small ones, in one folder that is removed again; the network is four convolutions on ONNX Runtime.
 * `node dist/scripts/campaigns/load-images.js [--images 100000] [--at-most 7200]`; with `--names 1000000` it stops after the first image.
 */
import { spawnSync } from "node:child_process"
import { linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { encodeImage } from "../../datasets/image/encode.js"
import type { BackboneSpec } from "../../src/backbone/backbone.js"
import { madeUpPhoto } from "../../src/predict/made-up-photos.js"
import { detectFolder } from "../../src/tasks/detect-folder.js"
import { exportModel } from "../../src/tasks/export-model.js"
import { trainDetector } from "../../src/tasks/train-detector.js"
import { parseFlags } from "../flags.js"

const { values } = parseFlags({
  options: {
    images: { type: "string", default: "100000" },
    names: { type: "string" },
    "at-most": { type: "string", default: "7200" },
    /** The folder that a child process looks at: what made it takes no part in the memory. */
    folder: { type: "string" },
  },
})
async function prepare(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "resdet-load-"))
  try {
    await writeDetector(folder)
    const count = Number(values.names ?? values.images)
    await writeImages(join(folder, "photos"), count)
    const file = fileURLToPath(import.meta.url)
    const { status } = spawnSync(process.execPath, [file, ...process.argv.slice(2), "--folder", folder], {
      stdio: "inherit",
    })
    process.exitCode = status ?? 1
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const channels = [3, 8, 16, 16, 16]
const backbone: BackboneSpec = {
  channels: 16,
  strides: [16],
  features(ops, images) {
    const layers = channels.slice(1).map((out, i) => {
      return { conv: `conv${i}`, norm: `norm${i}`, kernel: 3, stride: 2, in: channels[i]!, out }
    })
    return [layers.reduce((x, layer) => ops.conv(x, layer, { norm: "none", relu: true }), images)]
  },
}

/** A detector of four convolutions as ONNX: one step, so that it finds next to nothing. */
async function writeDetector(folder: string): Promise<void> {
  const sample = { image: madeUpPhoto(64, 64), boxes: [[8, 8, 40, 40]], labels: ["thing"] }
  const out = join(folder, "run")
  const { weights } = await trainDetector({ data: [sample], backbone, size: 64, batch: 1, steps: 1, out })
  await exportModel({ weights: weights.last, backbone, out: join(folder, "tiny.onnx") })
}

/** Files that are made, and linked to. */
const originals = 100

async function writeImages(folder: string, count: number): Promise<void> {
  mkdirSync(folder)
  const nameOf = (n: number) => join(folder, `${String(n).padStart(8, "0")}.jpg`)
  for (let n = 0; n < Math.min(originals, count); n++) {
    writeFileSync(nameOf(n), await encodeImage(madeUpPhoto(64, 80 + (n % 40))))
  }
  for (let n = originals; n < count; n++) linkSync(nameOf(n % originals), nameOf(n))
}

async function detectAll(folder: string): Promise<void> {
  const stop = new AbortController()
  const started = performance.now()
  const seconds = () => (performance.now() - started) / 1000
  let done = 0
  const tell = (what: string) => {
    const megabytes = Math.round(process.memoryUsage.rss() / 1e6)
    console.log(`${what}: ${megabytes} MB, ${seconds().toFixed(1)} s`)
  }
  tell("start")
  const { images } = await detectFolder(
    { weights: join(folder, "tiny.onnx"), source: join(folder, "photos"), out: join(folder, "found"), draw: false },
    {
      signal: stop.signal,
      onImage() {
        done++
        if (done === 1 || done === 1000 || done % 10_000 === 0) tell(`image ${done}`)
        if (values.names !== undefined || seconds() > Number(values["at-most"])) stop.abort()
      },
    },
  )
  tell(`end, after ${images} images`)
}

if (values.folder === undefined) await prepare()
else await detectAll(values.folder)
