import type { Diagnosis } from "./diagnose.js"
import type { Sample } from "./loose-match.js"
import type { DetectionTable, TruthTable } from "./tables.js"

/** With fewer detections on truths than this, no mapping is proposed. */
const LEAST_EVIDENCE = 5

interface Rule {
  readonly text: string
  readonly map: (id: number | string) => number | undefined
}

/**
 * Looks for classes that the truths lack, and for ids that mean other classes than they say: every detection that lies on
 * a truth is evidence of which class its id stands for.
 * @param sample the detections to look at
 * @param matches `[S]` the truths that they overlap
 */
export function guessCategories(
  truths: TruthTable,
  detections: DetectionTable,
  sample: Sample,
  matches: Int32Array,
): Diagnosis[] {
  const ids = (category: number) =>
    category >= 0 ? truths.categoryIds[category]! : detections.unknownCategories[-1 - category]!
  const pairs = new Map<number | string, Map<number, number>>()
  let evidence = 0
  matches.forEach((truth, s) => {
    if (truth < 0) return
    evidence++
    const id = ids(detections.category[sample.detections[s]!]!)
    const seen = pairs.get(id) ?? new Map<number, number>()
    const meant = truths.categoryIds[truths.category[truth]!]!
    seen.set(meant, (seen.get(meant) ?? 0) + 1)
    pairs.set(id, seen)
  })
  const agreement = ({ map }: Rule) => {
    let agreed = 0
    for (const [id, seen] of pairs) agreed += seen.get(map(id) ?? Number.NaN) ?? 0
    return agreed / Math.max(1, evidence)
  }
  const asIs = agreement({ text: "", map: (id) => (typeof id === "number" ? id : undefined) })
  const ranked = (detections.byName ? [byCase(truths)] : rules(truths))
    .map((rule) => ({ rule, share: agreement(rule) }))
    .sort((a, b) => b.share - a.share)
  const best = evidence >= LEAST_EVIDENCE && ranked[0]!.share > asIs + 0.2 ? ranked[0]! : undefined
  const proof = best
    ? ` Taking ${best.rule.text} would be right for ${percent(best.share)} of the ${evidence} detections that lie on a ground-truth box (as given: ${percent(asIs)}).`
    : ""
  const unknown = detections.unknownCategories
  if (unknown.length > 0) {
    const records = detections.category.reduce((sum, category) => sum + (category < 0 ? 1 : 0), 0)
    const message =
      `${records} of ${detections.category.length} detections have a category that the ground truth lacks: ${list(unknown)}` +
      ` (it has ${list(detections.byName ? truths.categoryNames : [...truths.categoryIds])}). They take no part.${proof || mostSeen(truths, unknown, pairs)}`
    return [{ kind: "unknown-categories", message }]
  }
  // A name cannot mean another class.
  if (!best || detections.byName) return []
  return [
    {
      kind: "shifted-categories",
      message: `The category ids seem to mean other classes than those of the ground truth.${proof}`,
    },
  ]
}

function rules(truths: TruthTable): Rule[] {
  const { categoryIds } = truths
  const numeric = (map: (id: number) => number | undefined) => (id: number | string) =>
    typeof id === "number" ? map(id) : undefined
  const last = categoryIds.length - 1
  return [
    {
      text: `the ids as positions in the list of categories, from 0 (0 = ${categoryIds[0]}, ... ${last} = ${categoryIds[last]}),`,
      map: numeric((id) => categoryIds[id]),
    },
    {
      text: `the ids as positions in the list of categories, from 1 (1 = ${categoryIds[0]}, ... ${last + 1} = ${categoryIds[last]}),`,
      map: numeric((id) => categoryIds[id - 1]),
    },
    { text: "the ids plus 1", map: numeric((id) => id + 1) },
    { text: "the ids minus 1", map: numeric((id) => id - 1) },
    byCase(truths),
  ]
}

function byCase({ categoryIds, categoryNames }: TruthTable): Rule {
  const byName = new Map(categoryNames.map((name, k) => [name.toLowerCase(), categoryIds[k]!]))
  return {
    text: "the names whatever their case",
    map: (id) => (typeof id === "string" ? byName.get(id.toLowerCase()) : undefined),
  }
}

/** Without a rule that fits: what the unknown classes mostly lie on. */
function mostSeen(
  truths: TruthTable,
  unknown: readonly (number | string)[],
  pairs: ReadonlyMap<number | string, ReadonlyMap<number, number>>,
): string {
  const lines = unknown.flatMap((id) => {
    const seen = [...(pairs.get(id) ?? [])].sort((a, b) => b[1] - a[1])[0]
    if (!seen) return []
    return [`${id} mostly lies on "${truths.categoryNames[truths.categoryIds.indexOf(seen[0])]}" (${seen[0]})`]
  })
  return lines.length === 0 ? "" : ` By overlap ${lines.slice(0, 5).join(", ")}.`
}

function list(ids: readonly (number | string)[]): string {
  return ids.length <= 8 ? ids.join(", ") : `${ids.slice(0, 7).join(", ")}, ... ${ids.at(-1)} (${ids.length} in all)`
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}
