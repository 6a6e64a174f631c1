import { expect, test } from "vitest"
import { encodeImage } from "../../datasets/image/encode.js"
import { detectionsFromCoco, truthsFromCoco } from "../../src/eval/coco-records.js"
import { evaluate } from "../../src/eval/report.js"
import { evaluationPage } from "../../src/report/evaluation-page.js"
import { hasChromium, runInChromium } from "../support/chromium.js"

const hostile = `<img src=x onerror="alert(1)">'&`
const pixels = { data: new Uint8Array(48).fill(90), width: 4, height: 4 }

function scored(classes: readonly string[]) {
  const truths = truthsFromCoco({
    images: [1, 2].map((id) => ({ id, file_name: `${id}.jpg`, width: 200, height: 200 })),
    categories: classes.map((name, i) => ({ id: i + 1, name })),
    annotations: [
      { id: 1, image_id: 1, category_id: 1, bbox: [10, 10, 50, 50], area: 2500, iscrowd: 0 },
      { id: 2, image_id: 2, category_id: 2, bbox: [100, 100, 50, 50], area: 2500, iscrowd: 0 },
    ],
  })
  const found = [
    { image_id: 1, category_id: 1, bbox: [10, 10, 50, 50], score: 0.9 },
    { image_id: 2, category_id: 1, bbox: [100, 100, 50, 50], score: 0.7 },
  ]
  return evaluate(truths, detectionsFromCoco(truths, found), { examples: 4, scoreThreshold: 0.5 })
}

async function pageOf(classes: readonly string[]): Promise<string> {
  const jpeg = await encodeImage(pixels)
  const whole = { jpeg, region: [0, 0, 200, 200] as const }
  const crop = { jpeg, region: [80, 80, 90, 90] as const }
  return evaluationPage({
    title: `Evaluation of ${hostile}`,
    about: [["predictions", hostile]],
    report: scored(classes),
    wholes: new Map([
      [1, whole],
      [2, whole],
    ]),
    crops: { classification: [crop] },
    notice: hostile,
  })
}

test("nothing of others reaches the page as HTML, and nothing is loaded from elsewhere", async () => {
  const page = await pageOf([hostile, "dog"])
  expect(page).not.toContain("<img")
  expect(page).toContain("&lt;img src=x")
  expect(page).toContain(`content="default-src 'none'; img-src data:;`)
  const addresses = [...page.matchAll(/(?:href|src)="([^"]{0,30})/g)].map(([, address]) => address)
  expect(new Set(addresses.map((address) => address!.slice(0, 23)))).toEqual(new Set(["data:image/jpeg;base64,"]))
})

test("pictures show boxes where they are, with labels inside", async () => {
  const page = await pageOf(["cat", "dog"])
  const [crop] = /<svg class="picture" viewBox="80 80 90 90".*?<\/svg>/s.exec(page)!
  expect(crop).toContain(
    '<rect class="box missed" x="100" y="100" width="50" height="50"><title>missed object: dog</title>',
  )
  expect(crop).toContain(
    '<rect class="box wrong" x="100" y="100" width="50" height="50"><title>wrong detection: cat 0.70',
  )
  const places = [...crop.matchAll(/<text class="label" style="font-size:([\d.]+)px" x="([\d.]+)" y="([\d.]+)"/g)]
  expect(places).toHaveLength(2)
  const lines = places.map(([, , , y]) => Number(y))
  expect(Math.abs(lines[0]! - lines[1]!)).toBeGreaterThanOrEqual(Number(places[0]![1]))
})

test("many classes are listed by their confusions instead of a matrix", async () => {
  const classes = ["cat", "dog", ...Array.from({ length: 40 }, (_, i) => `class ${i}`)]
  const page = await pageOf(classes)
  expect(page).not.toContain('class="matrix"')
  expect(page).toContain("<td>dog taken for cat</td>")
  expect(await pageOf(["cat", "dog"])).toContain('class="matrix"')
})

test.skipIf(!hasChromium)(
  "in a browser tables sort, curves answer to keys, and confusions name their images",
  async () => {
    const page = await pageOf(["cat", "dog"])
    const script = `<script>{
const rows = () => [...document.querySelectorAll("table.sortable tbody tr")].map((row) => row.cells[0].textContent)
const byAp = document.querySelectorAll("table.sortable th button")[3]
const before = rows()
byAp.click()
const down = rows()
byAp.click()
const up = rows()
const curve = document.querySelector("svg.curve")
for (const key of ["End", "ArrowLeft"]) curve.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }))
document.querySelector("[data-images]").click()
const dialog = document.querySelector("dialog")
fetch("/done", { method: "POST", body: JSON.stringify({
  before, down, up, readout: curve.nextElementSibling.textContent,
  open: dialog.open, heading: dialog.querySelector("h2").textContent, images: dialog.querySelector("ul").textContent,
  wide: document.documentElement.scrollWidth <= innerWidth,
}) })
}</script>`
    // Its policy would forbid the answer.
    const answering = page.replace(/<meta http-equiv[^>]*>/, "").replace("</body>", `${script}</body>`)
    expect(await runInChromium(answering)).toEqual({
      before: ["cat", "dog"],
      down: ["cat", "dog"],
      up: ["dog", "cat"],
      readout: "threshold 0.450, precision 50.0, recall 99",
      open: true,
      heading: "dog taken for cat: 1",
      images: "2.jpg",
      wide: true,
    })
  },
)
