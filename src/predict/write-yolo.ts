import { join } from "node:path"
import { writeWhole } from "../core/write-whole.js"
import { shortNumber } from "./short-number.js"
import type { DetectionWriter, WriterContext } from "./writer.js"

/**
 * `labels/<image>.txt` for every image, empty where nothing was found: `<class> <cx> <cy> <w> <h> <score>`, classes from
 * 0, the box's centre and size in parts of the image's width and height. Each file is put in its place at once.
 */
export function yoloWriter({ folder }: WriterContext): DetectionWriter {
  return {
    write({ stem }, { width, height, detections }) {
      const lines = detections.map(({ classId, score, box: [x1, y1, x2, y2] }) => {
        const box = [(x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height]
        return `${[classId - 1, ...box.map(shortNumber), shortNumber(score)].join(" ")}\n`
      })
      writeWhole(join(folder, "labels", `${stem}.txt`), lines.join(""), { sync: false, within: folder })
    },
    finish: () => {},
    discard: () => {},
  }
}
