import { join } from "node:path"
import { shortNumber } from "./short-number.js"
import { StagedFile } from "./staged-file.js"
import type { DetectionWriter, WriterContext } from "./writer.js"

/**
 * `imagenet_det.txt`, the file of ImageNet's detection task: `<image> <class> <score> <left> <top> <right> <bottom>`, the image
 * by its number in the list of the split, the class by its DET id 1..200. Pixels are counted from 1, the last one inside, as
 * in VOC's files. An image without an id is left out.
 * @source ILSVRC detection development kit, readme, section "Submission of the results"; its `eval_detection.m` adds 1 to sides
 */
export function imagenetDetWriter({ folder, categoryIds, imageIds }: WriterContext): DetectionWriter {
  const file = new StagedFile(join(folder, "imagenet_det.txt"), folder)
  let place = 0
  return {
    write(image, { detections }) {
      const id = imageIds.idOf(image, place++)
      if (id === undefined) return
      for (const { classId, score, box } of detections) {
        const [x1, y1, x2, y2] = box
        const numbers = [score, Math.fround(x1 + 1), Math.fround(y1 + 1), x2, y2].map(shortNumber)
        file.write(`${id} ${categoryIds[classId - 1]} ${numbers.join(" ")}\n`)
      }
    },
    finish: () => file.finish(),
    discard: () => file.discard(),
  }
}
