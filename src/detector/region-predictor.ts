import * as tf from "@tensorflow/tfjs-core"
import type { Predictions } from "../roi/predictions.js"
import type { RoiHeads } from "../roi/roi-heads.js"
import type { Rpn } from "../rpn/rpn.js"
import type { FasterRcnn } from "./faster-rcnn.js"
import type { InputConfig } from "./model.js"
import { maxout } from "./multi-scale.js"
import type { Photo } from "./photo.js"

/**
 * The two things a detection asks about a photo, of one network or of several. Boxes are in pixels of the photo, so that
 * networks, sizes and mirror images can be mixed.
 */
export interface RegionPredictor {
  /** The regions worth a closer look, `[P * 4]`. */
  propose(): Promise<Float32Array>
  /** What each of R regions `[R * 4]` is. */
  predict(regions: Float32Array): Promise<Predictions>
  /** Frees the photo's features. */
  dispose(): void
}

/** A detector with the size at which images enter it. */
export interface Network {
  readonly detector: {
    readonly rpn: Pick<Rpn, "propose">
    readonly roiHeads: Pick<RoiHeads, "boxFeatures" | "predict">
  } & Pick<FasterRcnn, "features" | "options">
  readonly config: InputConfig
}

/** A photo's features at one size, and how its pixels come there: input pixels = photo pixels * scale. */
interface ScaledFeatures {
  readonly levels: readonly tf.Tensor4D[]
  readonly size: readonly [height: number, width: number]
  readonly scaleX: number
  readonly scaleY: number
}

/**
 * The predictor of one network. The photo's features stay in memory until they are disposed of.
 * @param scales shorter sides at which regions are looked at, see `maxout`; none: the network's own alone. Proposals are
 * made at the network's own size, as in the paper
 */
export function networkPredictor(
  { detector, config }: Network,
  photo: Photo,
  scales: readonly number[] = [],
): RegionPredictor {
  const featuresAt = (size: number): ScaledFeatures => {
    const { sizeRule = "exact" } = config
    const maxSize = Math.round((config.maxSize * size) / config.size)
    const { values, shape, height, width } = photo.input({ size, maxSize, sizeRule }, config.input)
    const levels = tf.tidy(() => [...detector.features(tf.tensor4d(values, [...shape]))])
    return { levels, size: [height, width], scaleX: width / photo.width, scaleY: height / photo.height }
  }
  const own = featuresAt(config.size)
  const scaled = scales.length === 0 ? [own] : scales.map((size) => (size === config.size ? own : featuresAt(size)))
  const boxFeaturesAt = (regions: Float32Array, { levels, size, scaleX, scaleY }: ScaledFeatures) =>
    detector.roiHeads.boxFeatures(levels, [scaleBoxes(regions, scaleX, scaleY)], [size])
  return {
    async propose() {
      const [regions] = await detector.rpn.propose(own.levels, [own.size], detector.options.proposals.test)
      return scaleBoxes(regions!, 1 / own.scaleX, 1 / own.scaleY)
    },
    async predict(regions) {
      const boxFeatures = () =>
        scaled.length === 1 ? boxFeaturesAt(regions, scaled[0]!) : maxout(regions, scaled, boxFeaturesAt)
      const [predictions] = await detector.roiHeads.predict(boxFeatures, [regions])
      return predictions!
    },
    dispose() {
      for (const { levels } of [own, ...scaled]) tf.dispose([...levels])
    },
  }
}

function scaleBoxes(boxes: Float32Array, scaleX: number, scaleY: number): Float32Array {
  return boxes.map((value, at) => value * (at % 2 === 0 ? scaleX : scaleY))
}
