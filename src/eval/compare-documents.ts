import { DataError } from "../core/errors.js"
import { type CocoSummary, cocoNames } from "./coco-summary.js"
import type { CocoParameters } from "./report.js"

/** Of two documents that `eval --json` wrote: differences alone, since they hold no matches to draw from. */
export interface DocumentComparison {
  readonly a: Partial<CocoSummary>
  readonly b: Partial<CocoSummary>
  /** b - a of the figures that both have. */
  readonly difference: Partial<CocoSummary>
  /** AP of the classes that both have, the greatest change first. */
  readonly classes: readonly {
    readonly name: string
    readonly a: number
    readonly b: number
    readonly change: number
  }[]
}

/** Which option makes which parameter. */
const flags: Readonly<Record<keyof CocoParameters, string>> = {
  iouThresholds: "--iou-thrs",
  areaRanges: "--area-ranges",
  maxDetections: "--max-dets",
}

/** Whether a text begins as a document of `eval --json`. */
export const isEvalDocument = (beginning: string): boolean => /^\s*\{\s*"images":\s*\d+,\s*"truths":/.test(beginning)

/**
 * @param sources what errors call the documents
 * @param log is told where they are not of the same images or objects
 * @throws DataError for what is no document of `eval --json`, and for figures of different parameters
 */
export function compareDocuments(
  a: unknown,
  b: unknown,
  sources: readonly [string, string],
  log: (line: string) => void = () => {},
): DocumentComparison {
  const [first, second] = [figuresOf(a, sources[0]), figuresOf(b, sources[1])]
  const other = otherParameter(first.parameters, second.parameters)
  if (other !== undefined) {
    throw new DataError(
      `${sources.join(" and ")}: expected figures of the same parameters, got other ${other}. Evaluate both with the same ${flags[other]}`,
    )
  }
  if (first.counted !== second.counted) {
    log(
      `${sources[0]} has ${first.counted}, ${sources[1]} ${second.counted}: the figures are not of the same ground truth`,
    )
  }
  const difference: Record<string, number> = {}
  for (const name of cocoNames) {
    if (first.coco.has(name) && second.coco.has(name)) difference[name] = second.coco.get(name)! - first.coco.get(name)!
  }
  const classes = [...first.classes].flatMap(([name, ap]) => {
    const other = second.classes.get(name)
    return other === undefined ? [] : [{ name, a: ap, b: other, change: other - ap }]
  })
  return {
    a: Object.fromEntries(first.coco),
    b: Object.fromEntries(second.coco),
    difference,
    classes: classes.sort((x, y) => Math.abs(y.change) - Math.abs(x.change)),
  }
}

interface Figures {
  readonly coco: Map<string, number>
  readonly classes: Map<string, number>
  readonly parameters: Partial<CocoParameters>
  /** Of how many images and objects they are. */
  readonly counted: string
}

/** The first parameter in which both differ. */
function otherParameter(a: Partial<CocoParameters>, b: Partial<CocoParameters>): keyof CocoParameters | undefined {
  const names = Object.keys(flags) as (keyof CocoParameters)[]
  const differs = (one: unknown, two: unknown) =>
    one !== undefined && two !== undefined && JSON.stringify(one) !== JSON.stringify(two)
  return names.find((name) => differs(a[name], b[name]))
}

function figuresOf(document: unknown, source: string): Figures {
  const { coco, perClass, cocoParameters, images, truths } = (document ?? {}) as Partial<Record<string, unknown>>
  if (typeof coco !== "object" || coco === null || !Array.isArray(perClass)) {
    throw new DataError(`${source}: expected a document of eval --json, with "coco" and "perClass"`)
  }
  const numbers = (entries: [unknown, unknown][]) =>
    new Map(entries.filter((entry): entry is [string, number] => typeof entry[1] === "number"))
  return {
    coco: numbers(Object.entries(coco)),
    classes: numbers((perClass as { name?: unknown; AP?: unknown }[]).map(({ name, AP }) => [name, AP])),
    parameters: cocoParameters ?? {},
    counted: `${images} images with ${truths} objects`,
  }
}
