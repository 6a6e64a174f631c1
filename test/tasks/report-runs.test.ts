import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { reportRuns } from "../../src/tasks/report-runs.js"
import { tempFolder } from "../datasets/samples.js"

/** A run's folder as training leaves it. */
function run(parent: string, name: string, config: object, results: string): string {
  const folder = join(parent, name)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, "config.json"), JSON.stringify({ config }))
  writeFileSync(join(folder, "results.csv"), results)
  writeFileSync(join(folder, "metrics.jsonl"), '{"step":1,"loss":2,"rate":0.1}\n{"step":2,"loss":1,"rate":0.1}\n')
  return folder
}

test("runs stand side by side: best figures, a chart of each, and the options that differ", () => {
  const folder = tempFolder()
  const options = { data: "d", out: "x", detector: { rpn: { stride: 16 } } }
  const a = run(folder, "a", { ...options, lr: 0.01 }, "epoch,loss,AP50,val_loss\n1,2,0.25,3\n2,1,0.5,1\n3,1,0.4,2\n")
  const b = run(
    folder,
    "<b>",
    { ...options, lr: 0.02, out: "y", detector: { rpn: { stride: 8 } } },
    "epoch,loss,AP50\n1,2,\n",
  )
  const page = readFileSync(reportRuns({ runs: [a, b], out: join(folder, "page.html") }), "utf8")
  expect(page).toContain(
    '<td data-value="0.5" title="epoch 2">0.5000</td><td data-value="1" title="epoch 2">1.0000</td>',
  )
  expect(page).toContain('<th scope="row">&lt;b&gt;</th><td>1</td><td data-value="">n/a</td>')
  expect(page).toContain('<th scope="row">lr</th><td>0.01</td><td>0.02</td>')
  expect(page).toContain('<th scope="row">detector.rpn.stride</th><td>16</td><td>8</td>')
  expect(page).not.toContain('<th scope="row">out</th>')
  const charts = [...page.matchAll(/<figure><h2>([^<]+)</g)].map(([, title]) => title)
  expect(charts).toEqual(["AP50", "val loss", "loss", "learning rate"])
  expect(page).toContain("<title>&lt;b&gt;</title><polyline")
})

test("runs of one name are told apart by their folders, and a folder that is no run's is refused", () => {
  const folder = tempFolder()
  const [a, b] = ["first", "second"].map((parent) => run(join(folder, parent), "train", {}, "epoch,AP\n1,0.5\n"))
  const page = readFileSync(reportRuns({ runs: [a!, b!], out: join(folder, "page.html") }), "utf8")
  expect(page).toContain('<th scope="row">first/train</th>')
  expect(page).toContain('<p class="none">None.</p>')
  expect(() => reportRuns({ runs: [folder] })).toThrow(`${folder}: expected the folder of a training run`)
})
