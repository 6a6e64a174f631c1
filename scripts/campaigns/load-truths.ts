/**
 * Whether a COCO file of ground truth of 2 GB can be scored in 2 GB of memory. The file is made up, and removed again.
 * `node dist/scripts/campaigns/load-truths.js [--gigabytes 2]`; prints the exit code, what `eval` printed, seconds, and its most memory.
 */
import { spawnSync } from "node:child_process"
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { seededRandom } from "../../src/core/random.js"
import { parseFlags } from "../flags.js"

const { values } = parseFlags({ options: { gigabytes: { type: "string", default: "2" } } })
const folder = mkdtempSync(join(tmpdir(), "resdet-truths-"))
try {
  const truths = join(folder, "truths.json")
  const annotations = writeTruths(truths, Number(values.gigabytes) * 1e9)
  const predictions = join(folder, "results.json")
  writeFileSync(predictions, JSON.stringify([{ image_id: 1, category_id: 1, bbox: [10, 10, 50, 50], score: 0.9 }]))
  console.log(`${annotations} annotations`)
  // In the place of the command line, so that the process tells of its own memory.
  const program = `import { main } from ${JSON.stringify(pathToFileURL(resolve("dist/src/cli/main.js")).href)}
    process.on("exit", () => console.error("most memory:", Math.round(process.resourceUsage().maxRSS / 1024), "MB"))
    process.exitCode = await main(process.argv.slice(1))`
  const started = performance.now()
  const call = ["eval", "--gt", truths, "--predictions", predictions, "--metrics", "coco", "--quiet", "--json", "-"]
  const child = spawnSync(process.execPath, ["--input-type=module", "--eval", program, "--", ...call], {
    encoding: "utf8",
  })
  console.log(child.stdout.slice(0, 300), child.stderr.slice(-600))
  console.log(`exit code ${child.status}, ${((performance.now() - started) / 1000).toFixed(1)} s`)
} finally {
  rmSync(folder, { recursive: true })
}

/** As COCO's: 7 objects an image, each with an outline. @returns how many objects */
function writeTruths(path: string, bytes: number): number {
  const file = openSync(path, "w")
  const random = seededRandom(1)
  let written = writeSync(file, `{"categories": [{"id": 1, "name": "thing"}], "annotations": [\n`)
  let id = 0
  const images: number[] = []
  while (written < bytes * 0.98) {
    const lines: string[] = []
    for (let n = 0; n < 20_000; n++) {
      const [image_id, x, y, width, height] = [
        1 + Math.floor(id / 7),
        ...[0, 0, 0, 0].map(() => 1 + random.integer(300)),
      ]
      const outline = Array.from({ length: 40 }, () => random.integer(60_000) / 100)
      const record = {
        id: ++id,
        image_id,
        category_id: 1,
        bbox: [x, y, width, height],
        area: width! * height!,
        iscrowd: 0,
      }
      lines.push(JSON.stringify({ ...record, segmentation: [outline] }))
      if (image_id !== images.at(-1)) images.push(image_id!)
    }
    written += writeSync(file, `${id > 20_000 ? ",\n" : ""}${lines.join(",\n")}`)
  }
  writeSync(file, `],\n"images": [`)
  for (let at = 0; at < images.length; at += 20_000) {
    const lines = images.slice(at, at + 20_000).map((image) => {
      return JSON.stringify({ id: image, file_name: `${image}.jpg`, width: 640, height: 640 })
    })
    writeSync(file, `${at > 0 ? ",\n" : ""}${lines.join(",\n")}`)
  }
  writeSync(file, "]}\n")
  closeSync(file)
  return id
}
