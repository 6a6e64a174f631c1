import { makeScorer } from "../classify/scorer.js"
import { cropSizes } from "../classify/test-crops.js"
import { UsageError } from "../core/errors.js"
import { startEngine } from "../engine/start.js"
import { classifierGuesses } from "../localize/guess.js"
import type { GuessClasses } from "../localize/localize-dataset.js"
import { type LocalizeOptions, localizeOptions, usualSize } from "../localize/localizer.js"
import { type OpenEnsemble, openLocalizers } from "../localize/open-localizer.js"
import { openClassifier } from "../weights/open-model.js"
import type { Listener } from "./hooks.js"
import { listOf } from "./open-scorer.js"
import type { LookingOptions } from "./options/localize.js"

type Work<Result> = (
  localizer: OpenEnsemble,
  options: LocalizeOptions,
  guess: GuessClasses | undefined,
) => Promise<Result>

/**
 * Starts the engine, opens a localizer, or several as an ensemble, and perhaps a classifier for `work`, and frees them behind it.
 * @throws DataError when a file is not what it should be
 */
export async function withLocalizer<Result>(
  { weights, rcnn, classifier, view, sizes, merge, proposals, engine }: LookingOptions,
  { log }: Pick<Listener, "log">,
  work: Work<Result>,
): Promise<Result> {
  log(`engine: ${await startEngine(engine)}`)
  const localizer = openLocalizers(listOf(weights), rcnn === undefined ? [] : listOf(rcnn))
  try {
    const sides = [...new Set(localizer.members.map(({ side }) => side))]
    if (sides.length > 1 && (sizes === undefined || view === "centre")) {
      throw new UsageError(
        `the localizers were trained on crops of ${sides.join(" and ")} pixels: give --sizes, and --view dense`,
      )
    }
    const options = localizeOptions({ sizes: sizes ?? [usualSize(localizer.side)], view, merge, proposals })
    if (classifier === undefined) return await work(localizer, options, undefined)
    const scorer = denseScorer(listOf(classifier))
    try {
      return await work(localizer, options, classifierGuesses(scorer, localizer.classes))
    } finally {
      scorer.dispose()
    }
  } finally {
    localizer.dispose()
  }
}

/** Classifiers as one, each run densely at the shorter side it is tested at. */
function denseScorer(weights: readonly string[]) {
  const classifiers = weights.map((file) => openClassifier(file))
  const scales = [...new Set(classifiers.map(({ config }) => cropSizes(config).resize))]
  return makeScorer(classifiers, { procedure: { kind: "dense", scales } })
}
