import { checkImages } from "../../datasets/check-images.js"
import type { Dataset, Fault, FaultKind } from "../../datasets/dataset.js"
import { countFaults } from "../../datasets/faults.js"
import type { Suspect } from "../eval/suspects.js"
import { parseOptions } from "./config.js"
import { countOff, listenerOf, type TaskHooks } from "./hooks.js"
import { type CheckDatasetOptions, checkDatasetSchema } from "./options/dataset.js"
import { readData, type SplitCount } from "./read-data.js"
import { readSuspects, type SplitSuspect } from "./read-suspects.js"

export interface DatasetCheck {
  readonly format: Dataset["format"]
  readonly splits: readonly (SplitCount & { readonly classes: readonly string[] })[]
  /** How many faults there are of each kind, most frequent first. */
  readonly counts: Readonly<Partial<Record<FaultKind, number>>>
  readonly faults: readonly (Fault & { readonly split: string })[]
  /** The suspected label errors of `options.suspects`; they are no faults. */
  readonly suspects?: {
    readonly counts: Readonly<Record<Suspect["kind"], number>>
    /** Most suspicious first. */
    readonly list: readonly SplitSuspect[]
  }
}

/**
 * Looks for faults in a data set: in its annotations, then in every image file.
 * @throws DataError when there is no such data, a fault is one that always stops, or a file of suspects is of other data
 */
export async function checkDataset(options: CheckDatasetOptions, hooks: TaskHooks = {}): Promise<DatasetCheck> {
  const config = parseOptions("checkDataset", checkDatasetSchema, options)
  const listener = listenerOf(hooks)
  const sets = await readData(config, listener)
  const suspects = config.suspects === undefined ? undefined : readSuspects(config.suspects, sets)
  const faults: DatasetCheck["faults"][number][] = []
  for (const set of sets) {
    const onProgress = countOff(listener, `check ${set.split}`)
    const ofImages = await checkImages(set, { decode: !config.headers, onProgress })
    for (const fault of [...set.faults, ...ofImages]) faults.push({ split: set.split, ...fault })
  }
  return {
    format: sets[0]!.format,
    splits: sets.map(({ split, images, classes }) => ({ split, images: images.length, classes })),
    counts: Object.fromEntries(countFaults(faults)),
    faults,
    ...(suspects && { suspects: counted(suspects) }),
  }
}

function counted(list: readonly SplitSuspect[]): NonNullable<DatasetCheck["suspects"]> {
  const counts = { missing: 0, class: 0, spurious: 0 }
  for (const { kind } of list) counts[kind]++
  return { counts, list }
}
