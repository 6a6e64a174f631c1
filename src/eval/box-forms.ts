import type { Diagnosis } from "./diagnose.js"
import type { ImageIndex } from "./image-index.js"
import { looseMatches, looseRecall, type Sample } from "./loose-match.js"
import type { DetectionTable, TruthTable } from "./tables.js"

type Box = readonly [number, number, number, number]

interface Form {
  readonly kind: "box-form" | "normalised-boxes"
  readonly text: string
  readonly cure: string
  /** The four numbers, taken for something else, as x, y, width, height in pixels of an image of that size. */
  readonly read: (box: Box, width: number, height: number) => Box
}

const corners = ([a, b, c, d]: Box): Box => [a, b, Math.max(0, c - a), Math.max(0, d - b)]
const centred = ([a, b, c, d]: Box): Box => [a - c / 2, b - d / 2, c, d]
const scaled = ([a, b, c, d]: Box, width: number, height: number): Box => [a * width, b * height, c * width, d * height]
const pixels = " Write x, y, width, height in pixels."

const FORMS: readonly Form[] = [
  {
    kind: "box-form",
    text: "corners x1, y1, x2, y2",
    cure: " Write x1, y1, x2 - x1, y2 - y1.",
    read: corners,
  },
  {
    kind: "box-form",
    text: "centre x, centre y, width, height",
    cure: " Write cx - width / 2, cy - height / 2, width, height.",
    read: centred,
  },
  {
    kind: "box-form",
    text: "y, x, height, width",
    cure: " Write x, y, width, height.",
    read: ([a, b, c, d]) => [b, a, d, c],
  },
  { kind: "normalised-boxes", text: "x, y, width, height", cure: pixels, read: (box, w, h) => scaled(box, w, h) },
  { kind: "normalised-boxes", text: "corners", cure: pixels, read: (box, w, h) => scaled(corners(box), w, h) },
  { kind: "normalised-boxes", text: "centres", cure: pixels, read: (box, w, h) => scaled(centred(box), w, h) },
]

/**
 * Finds boxes written in another form than x, y, width, height in pixels: another reading must find at least twice as
 * many truths, and a fifth of all.
 * @param sample the detections to look at
 * @param matches `[S]` the truths that they overlap as they are
 */
export function guessBoxes(
  truths: TruthTable,
  detections: DetectionTable,
  index: ImageIndex,
  sample: Sample,
  matches: Int32Array,
): Diagnosis[] {
  const normalised = detections.boxesXywh.every((edge) => edge >= -0.5 && edge <= 1.5)
  const asGiven = looseRecall(truths, detections, sample, matches)
  if (asGiven > 0.5) return []
  const readings = FORMS.filter(({ kind }) => (kind === "normalised-boxes") === normalised)
    .map((form) => {
      const read = readAs(form, truths, detections, sample)
      return { form, recall: looseRecall(truths, detections, read, looseMatches(truths, detections, index, read)) }
    })
    .sort((a, b) => b.recall - a.recall)
  const best = readings[0]!
  const convincing = best.recall >= 0.2 && best.recall >= 2 * asGiven
  if (normalised && asGiven < 0.2) {
    const proof = convincing ? ` (read as ${best.form.text} they find ${percent(best.recall)} of the ground truth)` : ""
    return [
      {
        kind: "normalised-boxes",
        message: `All boxes lie between 0 and 1: they look like shares of the image's size${proof}.${pixels}`,
      },
    ]
  }
  if (!convincing) return []
  const message =
    `The boxes look like ${best.form.text} where x, y, width, height is expected: read so they find` +
    ` ${percent(best.recall)} of the ground truth, as given ${percent(asGiven)}.${best.form.cure}`
  return [{ kind: "box-form", message }]
}

/** The boxes of the sample in another reading. */
function readAs({ read }: Form, truths: TruthTable, { image }: DetectionTable, sample: Sample): Sample {
  const boxesXywh = new Float64Array(sample.boxesXywh.length)
  const given = sample.boxesXywh
  for (let s = 0; s < sample.detections.length; s++) {
    const at = s * 4
    const here = image[sample.detections[s]!]!
    const box: Box = [given[at]!, given[at + 1]!, given[at + 2]!, given[at + 3]!]
    const [x, y, width, height] = read(box, truths.widths[here]!, truths.heights[here]!)
    boxesXywh[at] = x
    boxesXywh[at + 1] = y
    boxesXywh[at + 2] = width
    boxesXywh[at + 3] = height
  }
  return { detections: sample.detections, boxesXywh }
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}
