import { escapeHtml } from "./chart.js"
import { figureList, htmlPage } from "./page.js"
import { type DrawnBox, drawnPicture, type Picture } from "./picture.js"

/** An image of a data set on its sheet. */
export interface SheetImage {
  readonly name: string
  readonly split: string
  readonly picture: Picture
  readonly boxes: readonly DrawnBox[]
  /** Kinds of what is wrong with it, and a line for each. */
  readonly faults: readonly { readonly kind: string; readonly message: string }[]
}

/** About how long the page shows a picture, in CSS pixels. */
const ACROSS = 260

/** Images of a data set with their objects, as one HTML page that needs nothing else; it shows those of a split, class or fault. */
export function contactSheet(title: string, images: readonly SheetImage[]): string {
  const classesOf = ({ boxes }: SheetImage) => [...new Set(boxes.map(({ label }) => label))]
  const faultsOf = ({ faults }: SheetImage) => [...new Set(faults.map(({ kind }) => kind))]
  const choices = [
    choice(
      "split",
      images.map(({ split }) => [split]),
    ),
    choice("class", images.map(classesOf)),
    choice("fault", images.map(faultsOf)),
  ]
  const figures = images.map((image) => {
    const { name, split, picture, boxes, faults } = image
    const data = { split: [split], class: classesOf(image), fault: faultsOf(image) }
    const told = faults.map(({ message }) => `<br>! ${escapeHtml(message)}`).join("")
    const counted = `${name} (${split}): ${boxes.length} ${boxes.length === 1 ? "object" : "objects"}`
    return `<figure data-of="${escapeHtml(JSON.stringify(data))}">${drawnPicture(picture, boxes, counted, ACROSS)}<figcaption>${escapeHtml(counted)}${told}</figcaption></figure>`
  })
  const objects = images.reduce((sum, { boxes }) => sum + boxes.length, 0)
  const counts = figureList([
    ["images", String(images.length)],
    ["objects", String(objects)],
    ["images with faults", String(images.filter(({ faults }) => faults.length > 0).length)],
  ])
  const body = `${counts}
<form class="choices">${choices.join("")}<output></output></form>
<div class="pictures sheet">${figures.join("\n")}</div>`
  return htmlPage(title, body, sheetScript)
}

/** A list to choose from, the most frequent first; nothing where there is no choice. */
function choice(name: string, found: readonly (readonly string[])[]): string {
  const counts = new Map<string, number>()
  for (const one of found.flat()) counts.set(one, (counts.get(one) ?? 0) + 1)
  if (counts.size === 0 || (name === "split" && counts.size === 1)) return ""
  const options = [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([one, count]) => `<option value="${escapeHtml(one)}">${escapeHtml(one)} (${count})</option>`)
  return `<label>${name} <select name="${name}"><option value="">all</option>${options.join("")}</select></label>`
}

const sheetScript = `
const form = document.querySelector("form.choices")
const figures = [...document.querySelectorAll("figure[data-of]")].map((figure) => [figure, JSON.parse(figure.dataset.of)])
const choose = () => {
  const wanted = [...new FormData(form)].filter(([, value]) => value !== "")
  for (const [figure, of] of figures) figure.hidden = !wanted.every(([name, value]) => of[name].includes(value))
  form.querySelector("output").textContent = figures.filter(([figure]) => !figure.hidden).length + " shown"
}
form.addEventListener("change", choose)
choose()
`
