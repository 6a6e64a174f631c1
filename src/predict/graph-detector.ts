import type { Detections } from "../boxes/boxes.js"
import { bestDetections, ofLabels, scoredAtLeast } from "../boxes/detections.js"
import { DataError, UsageError } from "../core/errors.js"
import { type DetectOptions, selectionFor } from "../detector/detect-options.js"
import type { DetectorBounds } from "../onnx/detector-bounds.js"
import type { DetectorSession } from "../onnx/detector-session.js"

/** A detector's graph that runs, in Node or in a browser, and takes images in its own form. */
export interface GraphDetector<Image> {
  /**
   * @returns boxes in image pixels, best score first
   * @throws UsageError for options that `beyondGraph` names, DataError for a graph that gives something else
   */
  detect(image: Image, options: DetectOptions): Promise<Detections>
  dispose(): void
}

/** How messages on a graph speak of it. */
export interface GraphWords {
  readonly file: string
  /** What to do where an option asks for more than a graph can do. */
  readonly cure: string
}

export function graphDetector<Image>(
  { detect, dispose }: DetectorSession<Image>,
  {
    classes,
    select,
    ...words
  }: GraphWords & { readonly classes: readonly string[]; readonly select: Partial<DetectorBounds> },
): GraphDetector<Image> {
  return {
    async detect(image, options) {
      expectWithinGraph(options, words)
      const selection = selectionFor(select, options)
      const found = await selected(detect, image, selection, options.only)
      if (found.labels.some((label) => !(label >= 1 && label <= classes.length))) {
        throw new DataError(`${words.file}: its graph finds classes that it has no names for`)
      }
      return options.score === undefined ? found : scoredAtLeast(found, options.score)
    },
    dispose,
  }
}

/** More than a graph has regions and classes. */
const noLimit = 2 ** 30

/** A graph suppresses class by class, so that of some classes the best can be taken when it has found all. */
async function selected<Image>(
  detect: DetectorSession<Image>["detect"],
  image: Image,
  selection: DetectorBounds,
  only: readonly number[] | undefined,
): Promise<Detections> {
  if (only === undefined) return detect(image, selection)
  const found = ofLabels(await detect(image, { ...selection, maxDetections: noLimit }), only)
  return bestDetections(found, selection.maxDetections)
}

/** @throws UsageError for an option that `beyondGraph` names */
export function expectWithinGraph(options: DetectOptions, { file, cure }: GraphWords): void {
  const beyond = beyondGraph(options)
  if (beyond !== undefined) throw new UsageError(`${file}: the engine onnx does not support ${beyond}. ${cure}`)
}

/** The first of the options that a graph cannot do, as it looks at an image once and leaves out what overlaps. */
export function beyondGraph(options: DetectOptions): keyof DetectOptions | undefined {
  const names = ["softNms", "agnosticNms", "vote", "refine", "flip", "scales", "fusion", "tiles"] as const
  const usual: readonly unknown[] = [undefined, false, "off", "nms"]
  return names.find((name) => !usual.includes(options[name]))
}
