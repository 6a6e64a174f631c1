import { checkImages } from "../../datasets/check-images.js"
import type { Dataset, Fault, FaultKind } from "../../datasets/dataset.js"
import { emptiness } from "../../datasets/emptiness.js"
import { countFaults } from "../../datasets/faults.js"
import { nameInside } from "../../datasets/folder.js"
import { type SharedImages, sharedImages } from "../../datasets/shared-images.js"
import { writeDataset } from "../../datasets/write.js"
import type { Suspect } from "../eval/suspects.js"
import { checkLabelled, type LabelledCheck } from "./check-labelled.js"
import { parseOptions } from "./config.js"
import type { WrittenDataset } from "./convert-dataset.js"
import { countOff, type Listener, listenerOf, type TaskHooks } from "./hooks.js"
import { type CheckDatasetOptions, checkDatasetSchema } from "./options/dataset.js"
import { countsOf, readData, type SplitCount } from "./read-data.js"
import { readSuspects, type SplitSuspect } from "./read-suspects.js"

export interface DatasetCheck {
  readonly format: Dataset["format"] | LabelledCheck["format"]
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
  /** A line for each split of which nothing can be learned; test splits may be without objects. */
  readonly empty: readonly string[]
  /** Images that two splits have in common. */
  readonly shared: readonly SharedImages[]
  /** The mended copy, where one was asked for. */
  readonly fixed: WrittenDataset | null
}

/**
 * Looks for faults in a data set, with boxes or with a class for each image: in its annotations, then in every image; with `fix`
 * it writes a copy without them.
 * @throws DataError when there is no such data, a fault is one that always stops, a file of suspects is of other data, or the
 * folder for the copy exists
 */
export async function checkDataset(options: CheckDatasetOptions, hooks: TaskHooks = {}): Promise<DatasetCheck> {
  const config = parseOptions("checkDataset", checkDatasetSchema, options)
  const listener = listenerOf(hooks)
  const labelled = await checkLabelled(config, listener)
  if (labelled !== undefined) {
    const counts = Object.fromEntries(countFaults(labelled.faults))
    return { ...labelled, counts, shared: [], fixed: null }
  }
  const sets = await readData(config, listener)
  const suspects = config.suspects === undefined ? undefined : readSuspects(config.suspects, sets)
  const faults: DatasetCheck["faults"][number][] = []
  for (const set of sets) {
    const onProgress = countOff(listener, `check ${set.split}`)
    const ofImages = await checkImages(set, { decode: !config.headers, onProgress })
    for (const fault of [...set.faults, ...ofImages]) faults.push({ split: set.split, ...fault })
  }
  const mustHold = sets.filter(({ split, images }) => split !== "test" || images.length === 0)
  return {
    format: sets[0]!.format,
    splits: sets.map(({ split, images, classes }) => ({ split, images: images.length, classes })),
    counts: Object.fromEntries(countFaults(faults)),
    faults,
    empty: mustHold.flatMap((set) => emptiness(set) ?? []),
    shared: sharedImages(sets),
    fixed: config.fix === undefined ? null : await writeFixed(sets, faults, config.fix, listener),
    ...(suspects && { suspects: counted(suspects) }),
  }
}

const lostPhotos: ReadonlySet<FaultKind> = new Set(["missing-image", "unreadable-image", "oversized-image"])

/** Photos that cannot be used are left out, and boxes are as the readers mend them. */
async function writeFixed(
  sets: readonly Dataset[],
  faults: readonly Fault[],
  out: string,
  { log }: Listener,
): Promise<WrittenDataset> {
  const isLost = ({ kind, action }: Fault) => action === "skipped" && lostPhotos.has(kind)
  const unusable = new Set(faults.filter(isLost).map(({ file }) => file))
  const usable = sets.map((set) => {
    const images = set.images.filter(({ file }) => !unusable.has(nameInside(set.source, file)))
    return { ...set, images }
  })
  const [{ format }] = sets as [Dataset]
  const to = format === "imagenet" || format === "via" || format === "samples" ? "coco" : format
  const { notices } = await writeDataset(usable, to, out)
  for (const notice of notices) log(notice)
  return { out, format: to, splits: countsOf(usable) }
}

function counted(list: readonly SplitSuspect[]): NonNullable<DatasetCheck["suspects"]> {
  const counts = { missing: 0, class: 0, spurious: 0 }
  for (const { kind } of list) counts[kind]++
  return { counts, list }
}
