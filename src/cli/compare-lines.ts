import { shown } from "../core/shown.js"
import { cocoNames } from "../eval/coco-summary.js"
import type { Comparison, ImageChange } from "../eval/compare.js"
import type { DocumentComparison } from "../eval/compare-documents.js"

/** How many classes and images the text names. */
const SHOWN = 10

/** A comparison as a person reads it. */
export function comparisonLines(comparison: Comparison): string[] {
  const { images, AP, AP50, verdict, classes, worse, better, options } = comparison
  const percent = `${Math.round(options.confidence * 100)} %`
  const range = ({ low, high }: { low: number; high: number }) =>
    `${percent} interval ${signed(low)} to ${signed(high)}`
  const moved = classes.filter(({ clear }) => clear)
  return [
    `${images} images, ${options.samples} samples of them (seed ${options.seed})`,
    "",
    ...figureLines(comparison.a, comparison.b, comparison.difference),
    "",
    `AP   ${signed(AP.value)} points, ${range(AP)}: ${verdict}`,
    `AP50 ${signed(AP50.value)} points, ${range(AP50)}`,
    "",
    moved.length === 0 ? "No class moved beyond its interval." : "Classes that moved beyond their interval:",
    ...moved
      .slice(0, SHOWN)
      .map(
        ({ name, a, b, change }) =>
          `  ${shown(name)}: AP ${points(a)} to ${points(b)} (${signed(change.low)} to ${signed(change.high)})`,
      ),
    ...imageLines("Images that got worse (F1):", worse),
    ...imageLines("Images that got better (F1):", better),
  ]
}

/** The same for two documents of `eval --json`. */
export function documentLines({ a, b, difference, classes }: DocumentComparison): string[] {
  return [
    ...figureLines(a, b, difference),
    "",
    "Classes by change of AP:",
    ...classes
      .slice(0, SHOWN)
      .map((one) => `  ${shown(one.name)}: ${points(one.a)} to ${points(one.b)} (${signed(one.change)})`),
    "Whether that is noise needs the results themselves: compare a.json b.json --gt G.",
  ]
}

type Figures = Partial<Record<(typeof cocoNames)[number], number>>

function figureLines(a: Figures, b: Figures, difference: Figures): string[] {
  const row = (cells: readonly string[]) =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(6) : cell.padStart(7))).join("")
  const rows = cocoNames.map((name) => row([name, points(a[name]), points(b[name]), signed(difference[name])]))
  return [row(["", "a", "b", "b - a"]), ...rows]
}

function imageLines(title: string, images: readonly ImageChange[]): string[] {
  if (images.length === 0) return []
  return [
    "",
    title,
    ...images.slice(0, SHOWN).map(({ name, a, b }) => `  ${shown(name)}: ${points(a)} to ${points(b)}`),
  ]
}

/** 0..1 as 0..100 with one decimal. */
function points(value: number | undefined): string {
  return value === undefined || Number.isNaN(value) ? "n/a" : (value * 100).toFixed(1)
}

function signed(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return "n/a"
  return `${value > 0 ? "+" : ""}${(value * 100).toFixed(1)}`
}
