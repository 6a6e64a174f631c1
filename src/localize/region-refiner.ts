import * as tf from "@tensorflow/tfjs-core"
import { wholePixelBox } from "../../datasets/image/region.js"
import type { RgbImage } from "../../datasets/image/rgb.js"
import { clipBoxes } from "../boxes/clip.js"
import { decodeBoxes, roiCoderWeights } from "../boxes/coder.js"
import type { Normalisation } from "../core/normalisation.js"
import { type ScoredBoxes, sigmoid } from "./candidates.js"
import type { Refiner } from "./localizer.js"
import { warpPixels } from "./pixels.js"
import type { RegionNetwork } from "./region-network.js"

export interface RefinerOptions {
  /** Side of the square each region is warped to, in input pixels. */
  readonly side: number
  readonly normalisation: Normalisation
  /** How many regions run at once. */
  readonly batch: number
}

/** Gives proposals the scores and boxes of the second stage. @source He et al. 2015, appendix C */
export class RegionRefiner implements Refiner {
  readonly #network: RegionNetwork
  readonly #options: RefinerOptions

  constructor(network: RegionNetwork, options: RefinerOptions) {
    this.#network = network
    this.#options = options
  }

  async refine(image: RgbImage, label: number, { boxes }: ScoredBoxes): Promise<ScoredBoxes> {
    const { side, normalisation, batch } = this.#options
    const count = boxes.length / 4
    const refined = new Float32Array(boxes.length)
    const scores = new Float32Array(count)
    for (let from = 0; from < count; from += batch) {
      const own = Math.min(batch, count - from)
      const references = new Float32Array(4 * own)
      const pixels = new Float32Array(own * side * side * 3)
      for (let r = 0; r < own; r++) {
        const region = wholePixelBox(boxes.subarray(4 * (from + r)), image)
        references.set(region, 4 * r)
        warpPixels(image, region, { side, flip: false }, normalisation, pixels, r * side * side * 3)
      }
      const input = tf.tensor4d(pixels, [own, side, side, 3])
      const { logits, deltas } = await this.#network.say(input, new Array<number>(own).fill(label))
      input.dispose()
      refined.set(decodeBoxes(deltas, references, roiCoderWeights), 4 * from)
      scores.set(
        logits.map((logit) => sigmoid(logit)),
        from,
      )
    }
    clipBoxes(refined, [image.height, image.width])
    return { boxes: refined, scores }
  }
}
