import { join } from "node:path"
import { safeNames } from "../core/safe-names.js"
import { shortNumber } from "./short-number.js"
import { StagedFile } from "./staged-file.js"
import type { DetectionWriter, WriterContext } from "./writer.js"

/**
 * `voc/comp4_det_test_<class>.txt` for every class: `<image> <score> <left> <top> <right> <bottom>`. VOC counts pixels
 * from 1 and names the last one inside, so that a box covering the first pixel is 1 1 1 1: ours, 0 0 1 1, moves its left
 * and top by one and keeps right and bottom. Blanks in an image's name, which would part the line, become `%20`.
 * @source VOC2012 devkit, section 8.3; comp4 allows training data other than VOC's, as ImageNet weights are
 */
export function vocWriter({ folder, classes }: WriterContext): DetectionWriter {
  const files = safeNames(classes).map(
    (name) => new StagedFile(join(folder, "voc", `comp4_det_test_${name}.txt`), folder),
  )
  return {
    write({ stem }, { detections }) {
      const image = stem.replaceAll(/\s/g, encodeURIComponent)
      for (const { classId, score, box } of detections) {
        const [x1, y1, x2, y2] = box
        const numbers = [score, Math.fround(x1 + 1), Math.fround(y1 + 1), x2, y2].map(shortNumber)
        files[classId - 1]!.write(`${image} ${numbers.join(" ")}\n`)
      }
    },
    finish: () => {
      for (const file of files) file.finish()
    },
    discard: () => {
      for (const file of files) file.discard()
    },
  }
}
