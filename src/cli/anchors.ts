import type { z } from "zod"
import { shown } from "../core/shown.js"
import type { AnchorReport, Bin, Fit } from "../tasks/anchor-report.js"
import { fitAnchorsSchema } from "../tasks/options/fit-anchors.js"
import { trainSchema } from "../tasks/options/train-detector.js"
import { widest } from "./columns.js"
import { defineCommand } from "./command.js"
import { commandWords } from "./command-words.js"
import { nextLine, word } from "./next-command.js"

export const command = defineCommand({
  schema: fitAnchorsSchema,
  async run(options, { hooks }) {
    const { fitAnchors } = await import("../tasks/fit-anchors.js")
    const report = await fitAnchors(options, hooks)
    const next = nextLine(commandWords("train", trainSchema, advised(options, report)))
    return { text: anchorLines(report).join("\n"), summary: [next], document: report }
  },
})

/** A class is named when the anchors find fewer than this share of it at IoU 0.5, or so much less than of all at 0.7. */
const low = { recall50: 0.95, behind: 0.05 } as const

/** At most so many classes are named, the worst first; those with fewer objects say too little. */
const named = { classes: 10, objects: 10 } as const

/** The report of `anchors` for people, line by line. */
export function anchorLines(report: AnchorReport): string[] {
  const { data, split, model, size, maxSize, images, objects, sizes, anchors, cell } = report
  return [
    `${data}, split ${split}: ${images} images, ${objects} objects; shorter side ${size}, longer side at most ${maxSize}`,
    `small ${sizes.small}, medium ${sizes.medium}, large ${sizes.large} (COCO's limits, 32 and 96 pixels, after resizing)`,
    "",
    "square root of the area, input pixels",
    ...bars(report.sides),
    "height over width",
    ...bars(report.ratios),
    "",
    `anchors of ${model}: sizes ${anchors.sizes.join(", ")}; ratios ${anchors.ratios.join(", ")}; a cell is ${cell.stride} pixels`,
    `best possible recall: ${fitText(anchors)}`,
    ...lowClasses(report),
    "",
    ...advice(report),
  ]
}

function bars(bins: readonly Bin[]): string[] {
  const most = Math.max(1, ...bins.map(({ objects }) => objects))
  return bins.map(({ below, objects }, i) => {
    const range = `${i === 0 ? 0 : bins[i - 1]!.below}..${below ?? ""}`
    return `  ${range.padEnd(10)} ${String(objects).padStart(7)} ${"#".repeat(Math.round((40 * objects) / most))}`.trimEnd()
  })
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`

const fitText = ({ recall50, recall70, meanIou }: Fit) =>
  `${percent(recall50)} at IoU 0.5, ${percent(recall70)} at 0.7; mean of the best IoUs ${meanIou.toFixed(3)}`

function lowClasses({ classes, anchors }: AnchorReport): string[] {
  const isLow = ({ recall50, recall70 }: Fit) => recall50 < low.recall50 || recall70 < anchors.recall70 - low.behind
  const found = classes.filter((own) => own.objects >= named.objects && isLow(own))
  if (found.length === 0) return []
  found.sort((a, b) => a.recall70 - b.recall70)
  const told = found.slice(0, named.classes)
  const width = widest(told.map(({ name }) => shown(name)))
  const lines = told.map(({ name, objects, ...fit }) => {
    return `  ${shown(name).padEnd(width)} ${String(objects).padStart(7)} objects  ${fitText(fit)}`
  })
  const more = found.length - lines.length
  return ["lowest:", ...lines, ...(more > 0 ? [`  and ${more} more`] : [])]
}

const anchorFlags = ({ sizes, ratios }: NonNullable<AnchorReport["suggestion"]>) =>
  `--set ${word([`detector.anchors.sizes=[${sizes.join(",")}]`, `detector.anchors.ratios=[${ratios.join(",")}]`])}`

const sizeFlags = ({ size, maxSize }: NonNullable<AnchorReport["larger"]>) => `--size ${size} --max-size ${maxSize}`

/** The options that were looked at, with what is better. */
function advised(options: z.output<typeof fitAnchorsSchema>, { suggestion, larger }: AnchorReport) {
  const { detector } = options
  const { sizes, ratios } = suggestion ?? {}
  const anchors = { ...(detector.anchors as object | undefined), sizes, ratios }
  return {
    ...options,
    ...(larger && { size: larger.size, maxSize: larger.maxSize }),
    ...(suggestion && { detector: { ...detector, anchors } }),
  }
}

function advice({ suggestion, larger, cell }: AnchorReport): string[] {
  const lines: string[] = []
  if (suggestion !== null) lines.push(`better anchors: ${fitText(suggestion)}`, `  ${anchorFlags(suggestion)}`)
  if (larger !== null) {
    lines.push(
      `${percent(cell.smaller)} of the objects are smaller than a cell; with a larger input ${percent(larger.smaller)}:`,
      `  ${sizeFlags(larger)}`,
    )
  }
  return lines.length > 0 ? lines : ["the anchors fit: no others of as many are much better"]
}
