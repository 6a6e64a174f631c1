import { UsageError } from "./errors.js"

/** A key of configuration files and of stored models that has a new name. */
interface RenamedKey {
  readonly now: string
  /** The group it stands in, where the old name alone would not tell. */
  readonly within?: string
}

const renamedKeys: Readonly<Record<string, RenamedKey>> = {
  beforeNms: { now: "preNmsTopN" },
  afterNms: { now: "postNmsTopN" },
  bestOfEachTruth: { now: "allowLowQualityMatches" },
  positiveShare: { now: "positiveFraction" },
  count: { now: "batchSizePerImage", within: "sample" },
  limit: { now: "maxDetections", within: "select" },
  deviation: { now: "std" },
}

/**
 * A configuration with old spellings of its keys brought up to date, at any depth.
 * @returns the configuration, itself unchanged, and a line for each old key, such as
 * `"detector.select.limit" is now called "maxDetections"`
 * @throws UsageError where a group has both the old and the new key
 */
export function renameOldKeys<Tree>(tree: Tree, path = ""): { readonly tree: Tree; readonly lines: string[] } {
  if (typeof tree !== "object" || tree === null || Array.isArray(tree)) return { tree, lines: [] }
  const group = path.split(".").at(-1)
  const lines: string[] = []
  const renamed: [string, unknown][] = []
  for (const [key, value] of Object.entries(tree)) {
    const place = path === "" ? key : `${path}.${key}`
    const rule = Object.hasOwn(renamedKeys, key) ? renamedKeys[key] : undefined
    const now = rule !== undefined && (rule.within === undefined || rule.within === group) ? rule.now : key
    if (now !== key) {
      if (Object.hasOwn(tree, now)) throw new UsageError(`expected ${place} to be left out, as ${now} is given too`)
      lines.push(`"${place}" is now called "${now}"`)
    }
    const inner = renameOldKeys(value, place)
    renamed.push([now, inner.tree])
    lines.push(...inner.lines)
  }
  return { tree: Object.fromEntries(renamed) as Tree, lines }
}
