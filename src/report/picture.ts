import type { ExampleBox, Xywh } from "../eval/examples.js"
import { escapeHtml } from "./chart.js"

/** A photo, or a part of one, as a page shows it. */
export interface Picture {
  /** The bytes of a JPEG file. */
  readonly jpeg: Uint8Array
  /** Which part of the photo it shows, in image pixels. */
  readonly region: Xywh
}

/** Letters of labels, where a picture is as long as the page shows it, in CSS pixels. */
const LETTERS = 12

/** A box on a picture; `object` where nothing was detected. */
export interface DrawnBox extends Omit<ExampleBox, "kind"> {
  readonly kind: ExampleBox["kind"] | "object"
}

/** Boxes by what they mean: a class of the page's style, and how they are called. */
const kinds: Readonly<Record<ExampleBox["kind"], string>> = {
  right: "right detection",
  wrong: "wrong detection",
  missed: "missed object",
  found: "object that was found",
  ignored: "object that does not count",
}

/** What the lines of pictures mean. */
export const legend = `<ul class="legend">${Object.entries(kinds)
  .map(
    ([kind, text]) =>
      `<li><svg class="key" viewBox="0 0 18 12" aria-hidden="true"><rect class="box ${kind}" x="1.5" y="1.5" width="15" height="9"/></svg>${text}</li>`,
  )
  .join("")}</ul>`

/**
 * A picture with boxes, drawn as lines above it, so that they are sharp at every size. Labels stand inside the region,
 * where there is room: of labels that would lie on one another the later one stays.
 * @param alt what somebody hears who does not see it
 * @param across how long the page shows it, in CSS pixels
 */
export function drawnPicture(
  { jpeg, region }: Picture,
  boxes: readonly DrawnBox[],
  alt: string,
  across: number,
): string {
  const [left, top, width, height] = region
  const size = (Math.max(width, height) * LETTERS) / across
  const href = `data:image/jpeg;base64,${Buffer.from(jpeg).toString("base64")}`
  const places = placedLabels(boxes, region, size)
  // All labels above all boxes: a line through a word makes it unreadable.
  const drawn = [...boxes.map(rectangle), ...boxes.map((box, i) => words(box, places[i], size))].join("")
  return `<svg class="picture" viewBox="${[left, top, width, height].map(short).join(" ")}" role="img" aria-label="${escapeHtml(alt)}"><image href="${href}" x="${short(left)}" y="${short(top)}" width="${short(width)}" height="${short(height)}" preserveAspectRatio="none"/>${drawn}</svg>`
}

interface Place {
  readonly x: number
  readonly y: number
}

function rectangle(drawn: DrawnBox): string {
  const { kind, bbox } = drawn
  const [x, y, w, h] = bbox
  const told = labelText(drawn)
  const meaning = kind === "object" ? told : `${kinds[kind]}: ${told}`
  return `<rect class="box ${kind}" x="${short(x)}" y="${short(y)}" width="${short(w)}" height="${short(h)}"><title>${escapeHtml(meaning)}</title></rect>`
}

function words(drawn: DrawnBox, at: Place | undefined, size: number): string {
  if (at === undefined) return ""
  return `<text class="label" style="font-size:${short(size)}px" x="${short(at.x)}" y="${short(at.y)}">${escapeHtml(labelText(drawn))}</text>`
}

const labelText = ({ label, score }: DrawnBox) => (score === undefined ? label : `${label} ${score.toFixed(2)}`)

/** Where each label begins; undefined for those that give way. Found and ignored objects have none. */
function placedLabels(boxes: readonly DrawnBox[], region: Xywh, size: number): (Place | undefined)[] {
  const [left, top, width, height] = region
  const taken: Xywh[] = []
  const places: (Place | undefined)[] = boxes.map(() => undefined)
  for (let i = boxes.length - 1; i >= 0; i--) {
    const { kind, bbox } = boxes[i]!
    if (kind === "found" || kind === "ignored") continue
    // About the width of a text in a usual font.
    const wide = labelText(boxes[i]!).length * size * 0.58
    const x = Math.max(left, Math.min(bbox[0], left + width - wide))
    const tried = [bbox[1] - size * 0.25, bbox[1] + size, bbox[1] + bbox[3] + size, bbox[1] + bbox[3] - size * 0.3]
    const y = tried.find(
      (base) =>
        base - size >= top && base <= top + height && !taken.some((one) => meet(one, [x, base - size, wide, size])),
    )
    if (y === undefined) continue
    taken.push([x, y - size, wide, size])
    places[i] = { x, y }
  }
  return places
}

const meet = ([x, y, w, h]: Xywh, [x2, y2, w2, h2]: Xywh) => x < x2 + w2 && x2 < x + w && y < y2 + h2 && y2 < y + h

const short = (value: number) => String(Math.round(value * 10) / 10)
