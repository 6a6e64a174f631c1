import type { Fault } from "../../datasets/dataset.js"
import { FaultLog } from "../../datasets/faults.js"
import { decodeImage, ImageError } from "../../datasets/image/decode.js"
import type { RgbImage } from "../../datasets/image/rgb.js"

/** Decodes images for training; one that cannot be read is written down once and goes missing. */
export class ImageReader {
  readonly #log = new FaultLog()
  readonly #told = new Set<string>()

  get faults(): readonly Fault[] {
    return this.#log.faults
  }

  async read(file: string): Promise<RgbImage | undefined> {
    try {
      return await decodeImage(file)
    } catch (error) {
      if (!(error instanceof ImageError)) throw error
      if (!this.#told.has(file)) this.#log.report(error.kind, file, error.message)
      this.#told.add(file)
      return undefined
    }
  }
}
