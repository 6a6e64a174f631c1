import type { Detections } from "../boxes/boxes.js"
import { joinDetections, scoredAtLeast } from "../boxes/detections.js"
import { filterByScore } from "../roi/predictions.js"
import { type SelectOptions, selectCandidates } from "../roi/select.js"
import { type DetectOptions, selectionFor } from "./detect-options.js"
import { ensemble } from "./ensemble.js"
import { mirrorBack } from "./flip.js"
import type { Photo, Window } from "./photo.js"
import { refineBoxes } from "./refine.js"
import { type Network, networkPredictor } from "./region-predictor.js"
import { selectTiled, type TileCandidates, tileWindows } from "./tiles.js"

/**
 * Finds objects in one photo with one network or several, in the ways that `options` ask for. This is the one place where
 * they are put together; without any it does what `FasterRcnn.detect` does.
 * @param networks they know the same classes; how detections are chosen is the first one's way
 * @returns boxes in pixels of the photo, best score first
 * @throws UsageError for an option out of range
 */
export async function detectPhoto(
  networks: readonly Network[],
  photo: Photo,
  options: DetectOptions = {},
): Promise<Detections> {
  const select = selectionFor(networks[0]!.detector.options.select, options)
  const lookAt = (part: Photo) => findCandidates(networks, part, options, select)
  const lookTwice = async (part: Photo) =>
    joinDetections([await lookAt(part), mirrorBack(await lookAt(part.mirrored()), part.width)])
  const candidatesOf = options.flip ? lookTwice : lookAt
  const whole = await candidatesOf(photo)
  const windows = options.tiles === undefined ? [] : tileWindows(photo, options.tiles, options.overlap)
  const tiles: TileCandidates[] = []
  for (const window of windows) tiles.push({ window, found: moved(await candidatesOf(photo.part(window)), window) })
  const found = tiles.length === 0 ? selectCandidates(whole, select) : selectTiled(whole, tiles, photo, select)
  return options.score === undefined ? found : scoredAtLeast(found, options.score)
}

/** All boxes of a photo that may become detections. */
async function findCandidates(
  networks: readonly Network[],
  photo: Photo,
  { scales, refine }: DetectOptions,
  select: SelectOptions,
): Promise<Detections> {
  const predictor = ensemble(networks.map((network) => networkPredictor(network, photo, scales)))
  try {
    const size = [photo.height, photo.width] as const
    const predictions = await predictor.predict(await predictor.propose())
    return filterByScore(
      refine ? await refineBoxes(predictor, predictions, size, select.minSide) : predictions,
      size,
      select,
    )
  } finally {
    predictor.dispose()
  }
}

function moved(found: Detections, [left, top]: Window): Detections {
  return { ...found, boxes: found.boxes.map((value, at) => value + (at % 2 === 0 ? left : top)) }
}
