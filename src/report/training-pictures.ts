import { escapeHtml } from "./chart.js"
import { type DrawnBox, drawnPicture, legend, type Picture } from "./picture.js"

/** An image of a training run's report. */
export interface ShownImage {
  /** What stands below it. */
  readonly caption: string
  readonly picture: Picture
  readonly boxes: readonly DrawnBox[]
}

/** What of a training run is looked at. */
export interface TrainingPictures {
  /** Images of the first batch, as the network saw them. */
  readonly batch?: readonly ShownImage[]
  /** Images of the last validation with what was found in them. */
  readonly validation?: { readonly worst: readonly ShownImage[]; readonly best: readonly ShownImage[] }
}

/** About how long the page shows a picture, in CSS pixels. */
const ACROSS = 320

/** Sections with pictures; nothing where there are none. */
export function trainingPictures({ batch = [], validation }: TrainingPictures): string {
  const { worst = [], best = [] } = validation ?? {}
  const hasBoxes = [...worst, ...best].some(({ boxes }) => boxes.length > 0)
  return [
    section("The first batch, as the network saw it", "", batch),
    section("Validation: the worst", hasBoxes ? legend : "", worst),
    section("Validation: the best", "", best),
  ].join("")
}

function section(title: string, note: string, images: readonly ShownImage[]): string {
  if (images.length === 0) return ""
  const figures = images.map(({ picture, boxes, caption }) => {
    const drawn = drawnPicture(picture, boxes, caption, ACROSS)
    return `<figure>${drawn}<figcaption>${escapeHtml(caption)}</figcaption></figure>`
  })
  return `<h2>${title}</h2>\n${note}<div class="pictures small">${figures.join("\n")}</div>\n`
}
