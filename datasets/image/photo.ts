import type { Normalisation } from "../../src/core/normalisation.js"
import { cutRgb } from "./cut.js"
import { resizeInto } from "./resize.js"
import type { RgbImage } from "./rgb.js"
import { inputDivisor, inputSize, padTo, type SizeOptions } from "./size.js"

/** An image as a network takes it. */
export interface PhotoInput {
  /** Normalised RGB, zero where padded. */
  readonly values: Float32Array
  readonly shape: readonly [1, height: number, width: number, 3]
  /** Of the image inside it. */
  readonly height: number
  readonly width: number
}

/** A decoded image that can be looked at in several ways: at any size, mirrored, in part. */
export class RgbPhoto {
  readonly height: number
  readonly width: number
  readonly #image: RgbImage
  readonly #mirrored: boolean

  constructor(image: RgbImage, mirrored = false) {
    this.height = image.height
    this.width = image.width
    this.#image = image
    this.#mirrored = mirrored
  }

  /** The image as an input of `size`, padded to multiples of 32 as training batches are. */
  input(sizes: SizeOptions, normalisation: Normalisation): PhotoInput {
    const { height, width } = inputSize(this.height, this.width, sizes)
    const shape = [1, padTo(height, inputDivisor), padTo(width, inputDivisor), 3] as const
    const values = new Float32Array(shape[1] * shape[2] * 3)
    const place = { out: values, offset: 0, rowStride: 3 * shape[2], height, width, flip: this.#mirrored }
    resizeInto(this.#image, { ...place, ...normalisation })
    return { values, shape, height, width }
  }

  /** @param window x1, y1, x2, y2 in whole pixels of what this photo shows */
  part([x1, y1, x2, y2]: readonly [number, number, number, number]): RgbPhoto {
    const [left, right] = this.#mirrored ? [this.width - x2, this.width - x1] : [x1, x2]
    return new RgbPhoto(cutRgb(this.#image, [left, y1, right, y2]), this.#mirrored)
  }

  mirrored(): RgbPhoto {
    return new RgbPhoto(this.#image, !this.#mirrored)
  }
}
