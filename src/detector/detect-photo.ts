import type { Detections } from "../boxes/boxes.js"
import { bestDetections, joinDetections, ofLabels, scoredAtLeast } from "../boxes/detections.js"
import { fuseBoxes } from "../boxes/fuse.js"
import { filterByScore } from "../roi/predictions.js"
import { type SelectOptions, selectCandidates } from "../roi/select.js"
import { type DetectOptions, expectTogether, selectionFor } from "./detect-options.js"
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
  expectTogether(options)
  if (options.fusion === "wbf") return chosenBy(options, await fuseViews(networks, photo, options, select))
  const lookAt = (part: Photo) => findCandidates(networks, part, options, select)
  const lookTwice = async (part: Photo) =>
    joinDetections([await lookAt(part), mirrorBack(await lookAt(part.mirrored()), part.width)])
  const candidatesOf = options.flip ? lookTwice : lookAt
  const whole = await candidatesOf(photo)
  const windows = options.tiles === undefined ? [] : tileWindows(photo, options.tiles, options.overlap)
  const tiles: TileCandidates[] = []
  for (const window of windows) tiles.push({ window, found: moved(await candidatesOf(photo.part(window)), window) })
  const found = tiles.length === 0 ? selectCandidates(whole, select) : selectTiled(whole, tiles, photo, select)
  return chosenBy(options, found)
}

const chosenBy = ({ score }: DetectOptions, found: Detections): Detections =>
  score === undefined ? found : scoredAtLeast(found, score)

/** What each network finds by itself, at each scale and in the mirror image too, as one list. */
async function fuseViews(
  networks: readonly Network[],
  photo: Photo,
  { scales, flip, refine, only }: DetectOptions,
  select: SelectOptions,
): Promise<Detections> {
  const lists: Detections[] = []
  for (const view of networks.flatMap((network) => atScales(network, scales))) {
    const detect = async (part: Photo) =>
      selectCandidates(
        await findCandidates([view], part, { ...(refine && { refine }), ...(only && { only }) }, select),
        select,
      )
    lists.push(await detect(photo))
    if (flip) lists.push(mirrorBack(await detect(photo.mirrored()), photo.width))
  }
  return bestDetections(fuseBoxes(lists), select.maxDetections)
}

/** A network as if each of the shorter sides were its own. */
function atScales(network: Network, scales: readonly number[] = []): Network[] {
  const { size: own, maxSize } = network.config
  const sides = scales.length === 0 ? [own] : scales
  return sides.map((size) => ({
    ...network,
    config: { ...network.config, size, maxSize: Math.round((maxSize * size) / own) },
  }))
}

/** All boxes of a photo that may become detections. */
async function findCandidates(
  networks: readonly Network[],
  photo: Photo,
  { scales, refine, only }: DetectOptions,
  select: SelectOptions,
): Promise<Detections> {
  const predictor = ensemble(networks.map((network) => networkPredictor(network, photo, scales)))
  try {
    const size = [photo.height, photo.width] as const
    const predictions = await predictor.predict(await predictor.propose())
    const looked = refine ? await refineBoxes(predictor, predictions, size, select.minSide) : predictions
    return ofLabels(filterByScore(looked, size, select), only)
  } finally {
    predictor.dispose()
  }
}

function moved(found: Detections, [left, top]: Window): Detections {
  return { ...found, boxes: found.boxes.map((value, at) => value + (at % 2 === 0 ? left : top)) }
}
