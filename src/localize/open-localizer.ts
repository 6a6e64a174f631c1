import { DataError, UsageError } from "../core/errors.js"
import type { Localizer } from "./localizer.js"
import { openClassRpn, openRegionNetwork } from "./localizer-file.js"
import { RegionRefiner } from "./region-refiner.js"

/** A localizer that has been read from its files. */
export interface OpenLocalizer extends Localizer {
  /** Names of the classes 1..K. */
  readonly classes: readonly string[]
  dispose(): void
}

/** Regions that run through the second stage at once: 32 of 224 pixels take some hundred megabytes. */
const regionsAtOnce = 32

/**
 * Reads a per-class RPN and, where one is given, its second stage. The engine must have been started.
 * @throws DataError when a file is not what it should be, or the two know different classes
 */
export function openLocalizer(rpnFile: string, rcnnFile?: string): OpenLocalizer {
  const first = openClassRpn(rpnFile)
  const { mean, std, size } = first.config
  const opened = {
    rpn: first.network,
    side: size,
    normalisation: { mean, std },
    classes: first.classes,
    dispose: () => first.parameters.dispose(),
  }
  if (rcnnFile === undefined) return opened
  const second = openRegionNetwork(rcnnFile)
  const dispose = () => {
    first.parameters.dispose()
    second.parameters.dispose()
  }
  if (first.classes.join("\n") !== second.classes.join("\n")) {
    dispose()
    throw new DataError(
      `${rcnnFile}: expected the classes of ${rpnFile}, ${first.classes.join(", ")}, got ${second.classes.join(", ")}`,
    )
  }
  const { config } = second
  const refiner = new RegionRefiner(second.network, {
    side: config.size,
    normalisation: { mean: config.mean, std: config.std },
    batch: regionsAtOnce,
  })
  return { ...opened, refiner, dispose }
}

/** Several localizers as one. */
export interface OpenEnsemble extends Pick<OpenLocalizer, "classes" | "side"> {
  readonly members: readonly OpenLocalizer[]
  dispose(): void
}

/**
 * Reads the localizers of an ensemble, or one.
 * @param rcnnFiles one for each of them, or none
 * @throws UsageError for other numbers; DataError when a file is not what it should be, or they know different classes
 */
export function openLocalizers(rpnFiles: readonly string[], rcnnFiles: readonly string[] = []): OpenEnsemble {
  if (rcnnFiles.length > 0 && rcnnFiles.length !== rpnFiles.length) {
    throw new UsageError(
      `expected as many --rcnn as --weights, or none, got ${rcnnFiles.length} for ${rpnFiles.length}`,
    )
  }
  const members: OpenLocalizer[] = []
  const dispose = () => {
    for (const member of members) member.dispose()
  }
  try {
    for (const [at, file] of rpnFiles.entries()) members.push(openLocalizer(file, rcnnFiles[at]))
    const { classes, side } = members[0]!
    const other = members.findIndex((member) => member.classes.join("\n") !== classes.join("\n"))
    if (other > 0) {
      throw new DataError(
        `${rpnFiles[other]}: expected the classes of ${rpnFiles[0]}, ${classes.join(", ")}, got ${members[other]!.classes.join(", ")}`,
      )
    }
    return { members, classes, side, dispose }
  } catch (error) {
    dispose()
    throw error
  }
}
