import { seededRandom } from "../../src/core/random.js"
import { augmentScene } from "../augment/augment.js"
import type { AugmentOptions } from "../augment/levels.js"
import type { Box, Colour, Scene } from "../augment/scene.js"
import type { RgbImage } from "../image/rgb.js"
import type { OpenOptions, Photo } from "../open-sample.js"
import { type Keeping, type KeptSample, openKept } from "./kept-photos.js"

/** A photo with its truths' boxes `[G * 4]` in image pixels. */
export interface BoxedPhoto {
  readonly photo: Photo
  readonly boxes: Float64Array
}

/** What a photo is made into: by its seed alone, together with its partners. */
export interface SceneJob extends Pick<BoxedPhoto, "boxes"> {
  readonly seed: number
  /** Photos for a mosaic, or to be mixed with. */
  readonly partners: readonly BoxedPhoto[]
}

/** The objects of an augmented photo. */
export interface SceneObjects {
  /** `[G * 4]` in pixels of the picture. */
  readonly boxes: Float64Array
  /** `[G]` 0 for the photo itself, 1.. for its partners, and the object's place among that photo's truths. */
  readonly photos: Int32Array
  readonly indices: Int32Array
}

/**
 * An opened photo as training shows it. A partner that cannot be used is left out; what is wrong with it is told when its
 * own turn comes.
 */
export async function augmented(
  sample: KeptSample,
  { seed, boxes, partners }: SceneJob,
  options: AugmentOptions,
  fill: Colour,
  how: OpenOptions & { readonly keeping?: Keeping | undefined },
): Promise<KeptSample & { readonly objects?: SceneObjects }> {
  if (sample.image === undefined) return sample
  const opened = await Promise.all(partners.map(({ photo }) => openKept(photo, how, how.keeping)))
  const others = opened.flatMap(({ image }, i) => (image ? [sceneOf(image, partners[i]!.boxes, i + 1)] : []))
  const scenes = [sceneOf(sample.image, boxes, 0), ...(others.length === partners.length ? others : [])]
  const scene = augmentScene(scenes, options, fill, seededRandom(seed))
  const objects = {
    boxes: Float64Array.from(scene.objects.flatMap(({ box }) => [...box])),
    photos: Int32Array.from(scene.objects, ({ photo }) => photo),
    indices: Int32Array.from(scene.objects, ({ index }) => index),
  }
  return { ...sample, image: scene.image, objects }
}

/** What lies outside of a file that is smaller than its annotation says is clipped or left out. */
function sceneOf(image: RgbImage, boxes: Float64Array, photo: number): Scene {
  const objects = Array.from({ length: boxes.length / 4 }, (_, index) => {
    const [x1, y1, x2, y2] = boxes.subarray(4 * index, 4 * index + 4) as unknown as Box
    const box: Box = [Math.max(0, x1), Math.max(0, y1), Math.min(image.width, x2), Math.min(image.height, y2)]
    return { photo, index, box }
  })
  return { image, objects: objects.filter(({ box: [x1, y1, x2, y2] }) => x2 > x1 && y2 > y1) }
}
