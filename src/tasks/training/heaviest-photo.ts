import type { Dataset, ImageRecord } from "../../../datasets/dataset.js"
import { inputDivisor, inputSize, padTo } from "../../../datasets/image/size.js"
import { pictureSize } from "../../../datasets/open-sample.js"
import type { ModelConfig } from "../../detector/model.js"

/** Where no photo's size is known: VOC's. */
const usual = { width: 500, height: 375 } as const

/**
 * The data with `count` grey pictures in place of the images: as large as the image that makes the largest input, with its
 * boxes.
 * @param sides shorter sides of inputs, the largest of which counts
 */
export function heaviestPhotos(
  data: Dataset,
  model: Pick<ModelConfig, "size" | "maxSize" | "sizeRule">,
  sides: readonly number[],
  count: number,
): Dataset {
  const size = Math.max(...sides)
  const area = (image: ImageRecord) => {
    const { width, height } = pictureSize(image)
    if (width === 0 || height === 0) return 0
    const input = inputSize(height, width, { ...model, size })
    return padTo(input.height, inputDivisor) * padTo(input.width, inputDivisor)
  }
  const heaviest = data.images.reduce((best, image) => (area(image) > area(best) ? image : best), data.images[0]!)
  const { width, height } = area(heaviest) > 0 ? pictureSize(heaviest) : usual
  const image = { data: new Uint8Array(3 * width * height).fill(128), width, height }
  const { window: _, ...record } = heaviest
  const copies = Array.from({ length: count }, (_, i) => ({ ...record, id: `made-up-${i}`, image, width, height }))
  return { ...data, images: copies }
}
