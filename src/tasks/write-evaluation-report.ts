import { cutRgb } from "../../datasets/image/cut.js"
import { encodeImage } from "../../datasets/image/encode.js"
import type { RgbImage } from "../../datasets/image/rgb.js"
import { shrink } from "../../datasets/image/shrink.js"
import { openSample } from "../../datasets/open-sample.js"
import { shown } from "../core/shown.js"
import type { ErrorExample, Xywh } from "../eval/examples.js"
import type { EvalReport } from "../eval/report.js"
import { tideNames } from "../eval/tide.js"
import { StagedFile } from "../predict/staged-file.js"
import { type EvaluationPage, evaluationPage } from "../report/evaluation-page.js"
import type { Picture } from "../report/picture.js"
import { countOff, type Listener } from "./hooks.js"
import type { FindPhoto } from "./truth-photos.js"

/** The longest side of pictures, in pixels. */
const WHOLE = 480
const CROP = 240
/** At 75 a photo of that size has about 30 kB. */
const QUALITY = 75

/**
 * An evaluation as one HTML file with pictures of what was right and wrong, begun before anything is scored: a place that cannot
 * be written is known at once.
 */
export class EvaluationReportFile {
  readonly #file: StagedFile

  /** @throws UserError when it cannot be written */
  constructor(path: string) {
    this.#file = new StagedFile(path)
  }

  /**
   * A photo that is not there, or cannot be read, is left out, and the page says how many.
   * @param page its report made with `examples`
   */
  async finish(
    page: Pick<EvaluationPage, "title" | "about" | "report">,
    findPhoto: FindPhoto,
    listener: Listener,
  ): Promise<void> {
    try {
      const { wholes, crops, missing, wanted } = await makePictures(page.report, findPhoto, listener)
      const left = `${missing} of ${wanted} photos were not found or could not be read: their pictures are left out`
      const notice = missing === 0 ? undefined : left
      this.#file.write(evaluationPage({ ...page, wholes, crops, notice }))
      this.#file.finish()
      listener.log(`${shown(this.#file.path)}: the report${notice === undefined ? "" : `; ${notice}`}`)
    } catch (error) {
      this.discard()
      throw error
    }
  }

  /** Leaves nothing behind. */
  discard(): void {
    this.#file.discard()
  }
}

async function makePictures({ examples }: EvalReport, findPhoto: FindPhoto, listener: Listener) {
  const wholes = new Map<number | string, Picture>()
  const crops: Partial<Record<(typeof tideNames)[number], (Picture | undefined)[]>> = {}
  const images = examples === undefined ? [] : [...examples.worst, ...examples.best]
  const errors =
    examples === undefined ? [] : tideNames.flatMap((name) => examples.errors[name].map((one, i) => ({ name, one, i })))
  const wanted = new Map([...images, ...errors.map(({ one }) => one)].map((image) => [image.imageId, image]))
  const told = countOff(listener, "report")
  let [done, missing] = [0, 0]
  // One photo at a time: of each only small pictures stay.
  for (const image of wanted.values()) {
    told(done++, wanted.size)
    const photo = findPhoto(image)
    const pixels = photo && (await openSample(photo)).image
    if (pixels === undefined) {
      missing++
      continue
    }
    const { imageId } = image
    if (images.some((one) => one.imageId === imageId)) {
      wholes.set(imageId, await pictureOf(pixels, [0, 0, pixels.width, pixels.height], WHOLE))
    }
    for (const { name, one, i } of errors) {
      if (one.imageId !== imageId) continue
      crops[name] ??= []
      crops[name][i] = await pictureOf(pixels, around(one, pixels), CROP)
    }
  }
  told(done, wanted.size)
  return { wholes, crops, missing, wanted: wanted.size }
}

async function pictureOf(image: RgbImage, region: Xywh, longest: number): Promise<Picture> {
  const [x, y, width, height] = region
  const part = cutRgb(image, [x, y, x + width, y + height])
  return { jpeg: await encodeImage(shrink(part, longest), { quality: QUALITY }), region }
}

/** The boxes of an error with half their size around them, in whole pixels inside the photo; a square where there is room. */
function around({ box, truth }: ErrorExample, { width, height }: RgbImage): Xywh {
  const boxes = [box.bbox, ...(truth === undefined ? [] : [truth.bbox])]
  const left = Math.min(...boxes.map(([x]) => x))
  const top = Math.min(...boxes.map(([, y]) => y))
  const right = Math.max(...boxes.map(([x, , w]) => x + w))
  const bottom = Math.max(...boxes.map(([, y, , h]) => y + h))
  const side = Math.max(2 * (right - left), 2 * (bottom - top), 48)
  const [w, h] = [Math.min(width, Math.ceil(side)), Math.min(height, Math.ceil(side))]
  const within = (centre: number, size: number, limit: number) =>
    Math.max(0, Math.min(limit - size, Math.round(centre - size / 2)))
  return [within((left + right) / 2, w, width), within((top + bottom) / 2, h, height), w, h]
}
