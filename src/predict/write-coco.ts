import { basename, join } from "node:path"
import { shortNumber } from "./short-number.js"
import { StagedFile } from "./staged-file.js"
import type { DetectionWriter, WriterContext } from "./writer.js"

/**
 * `coco_results.json`, COCO's results array (`bbox` is x, y, width, height), and `coco_images.json`, which says which
 * file each `image_id` is and which class each `category_id`. An image's id is the number in its name (`000000000139.jpg`
 * is 139) when all names are numbers, else its place in the source, from 1.
 */
export function cocoWriter({ folder, classes, categoryIds, numericNames }: WriterContext): DetectionWriter {
  const results = new StagedFile(join(folder, "coco_results.json"), folder)
  const images = new StagedFile(join(folder, "coco_images.json"), folder)
  const categories = classes.map((name, i) => ({ id: categoryIds[i]!, name }))
  let imageCount = 0
  let resultCount = 0
  results.write("[")
  images.write(`{"categories": ${JSON.stringify(categories)},\n"images": [`)
  const separator = (count: number) => (count === 0 ? "\n" : ",\n")
  return {
    write({ path, stem }, { width, height, detections }) {
      const id = numericNames ? Number(basename(stem)) : imageCount + 1
      images.write(separator(imageCount++) + JSON.stringify({ id, file_name: path, width, height }))
      for (const { classId, score, box } of detections) {
        const [x1, y1, x2, y2] = box
        const bbox = [x1, y1, x2 - x1, y2 - y1].map(shortNumber)
        const result = { image_id: id, category_id: categoryIds[classId - 1]!, bbox, score: shortNumber(score) }
        results.write(separator(resultCount++) + JSON.stringify(result))
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
