import { DataError } from "../core/errors.js"
import { type CocoSummary, cocoNames } from "./coco-summary.js"

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

/**
 * @param sources what errors call the documents
 * @throws DataError for what is no document of `eval --json`
 */
export function compareDocuments(a: unknown, b: unknown, sources: readonly [string, string]): DocumentComparison {
  const [first, second] = [figuresOf(a, sources[0]), figuresOf(b, sources[1])]
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

function figuresOf(document: unknown, source: string): { coco: Map<string, number>; classes: Map<string, number> } {
  const { coco, perClass } = (document ?? {}) as { coco?: Record<string, unknown>; perClass?: unknown }
  if (typeof coco !== "object" || coco === null || !Array.isArray(perClass)) {
    throw new DataError(`${source}: expected a document of eval --json, with "coco" and "perClass"`)
  }
  const numbers = (entries: [unknown, unknown][]) =>
    new Map(entries.filter((entry): entry is [string, number] => typeof entry[1] === "number"))
  return {
    coco: numbers(Object.entries(coco)),
    classes: numbers((perClass as { name?: unknown; AP?: unknown }[]).map(({ name, AP }) => [name, AP])),
  }
}
