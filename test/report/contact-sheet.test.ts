import { expect, test } from "vitest"
import { contactSheet, type SheetImage } from "../../src/report/contact-sheet.js"
import { hasChromium, runInChromium } from "../support/chromium.js"

const image = (name: string, split: string, labels: readonly string[], fault?: string): SheetImage => ({
  name,
  split,
  picture: { jpeg: new Uint8Array([255]), region: [0, 0, 40, 30] },
  boxes: labels.map((label, i) => ({ kind: "object", label, bbox: [i, 0, 10, 10] })),
  faults: fault === undefined ? [] : [{ kind: fault, message: `${fault} <here>` }],
})
const images = [
  image("a", "train", ["cat", "cat", "<dog>"]),
  image("b", "train", ["cat"], "box-outside"),
  image("c", "val", [], "box-outside"),
]

test("a sheet shows each image with its objects and faults, and offers what there is to choose from", () => {
  const page = contactSheet("data", images)
  expect(page.match(/<figure /g)).toHaveLength(3)
  expect(page).toContain("<figcaption>b (train): 1 object<br>! box-outside &lt;here&gt;</figcaption>")
  expect([...page.matchAll(/<option value="([^"]*)">([^<]*)/g)].map(([, value, text]) => `${value}=${text}`)).toEqual([
    ...["=all", "train=train (2)", "val=val (1)"],
    ...["=all", "cat=cat (2)", "&lt;dog&gt;=&lt;dog&gt; (1)"],
    ...["=all", "box-outside=box-outside (2)"],
  ])
  expect(contactSheet("data", images.slice(0, 1))).not.toMatch(/name="(split|fault)"/)
})

test.skipIf(!hasChromium)("in a browser the choices leave the images that have all of them", async () => {
  const script = `<script>{
const pick = (name, value) => {
  const list = document.querySelector("select[name=" + name + "]")
  list.value = value
  list.dispatchEvent(new Event("change", { bubbles: true }))
  return [...document.querySelectorAll("figure")].filter((one) => one.offsetParent !== null).map((one) => one.lastChild.textContent[0])
}
const said = [pick("class", "<dog>"), pick("class", "cat"), pick("fault", "box-outside"), pick("class", "")]
fetch("/done", { method: "POST", body: JSON.stringify([...said, document.querySelector("output").textContent]) })
}</script>`
  const page = contactSheet("data", images)
    .replace(/<meta http-equiv[^>]*>/, "")
    .replace("</body>", `${script}</body>`)
  expect(await runInChromium(page)).toEqual([["a"], ["a", "b"], ["b"], ["b", "c"], "2 shown"])
})
