import { join } from "node:path"
import { writeJson } from "../json/write-json.js"
import { shortNumber } from "./short-number.js"
import { StagedFile } from "./staged-file.js"
import type { DetectionWriter, WriterContext } from "./writer.js"

/**
 * `coco_results.json`, COCO's results array (`bbox` is x, y, width, height), and `coco_images.json`, which says which
 * file each `image_id` is and which class each `category_id`. An image without an id is left out.
 */
export function cocoWriter({ folder, classes, categoryIds, imageIds }: WriterContext): DetectionWriter {
  const results = new StagedFile(join(folder, "coco_results.json"), folder)
  const images = new StagedFile(join(folder, "coco_images.json"), folder)
  const categories = classes.map((name, i) => ({ id: categoryIds[i]!, name }))
  let place = 0
  let imageCount = 0
  let resultCount = 0
  results.write("[")
  images.write(`{"categories": ${JSON.stringify(categories)},\n"images": [`)
  const separator = (count: number) => (count === 0 ? "\n" : ",\n")
  return {
    write(image, { width, height, detections }) {
      const id = imageIds.idOf(image, place++)
      if (id === undefined) return
      images.write(separator(imageCount++) + writeJson({ id, file_name: image.path, width, height }))
      for (const { classId, score, box } of detections) {
        const [x1, y1, x2, y2] = box
        const bbox = [x1, y1, x2 - x1, y2 - y1].map(shortNumber)
        const result = { image_id: id, category_id: categoryIds[classId - 1]!, bbox, score: shortNumber(score) }
        results.write(separator(resultCount++) + writeJson(result))
      }
    },
    finish() {
      results.write("\n]\n")
      images.write("\n]}\n")
      results.finish()
      images.finish()
    },
    discard() {
      results.discard()
      images.discard()
    },
  }
}
