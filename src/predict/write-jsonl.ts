import { join } from "node:path"
import { shortNumber } from "./short-number.js"
import { StagedFile } from "./staged-file.js"
import type { DetectionWriter, WriterContext } from "./writer.js"

/** `detections.jsonl`: one JSON document a line, one line an image, boxes in image pixels. */
export function jsonlWriter({ folder }: WriterContext): DetectionWriter {
  const file = new StagedFile(join(folder, "detections.jsonl"))
  return {
    write({ path }, { width, height, detections }) {
      const short = detections.map(({ label, classId, score, box }) => ({
        label,
        classId,
        score: shortNumber(score),
        box: box.map(shortNumber),
      }))
      file.write(`${JSON.stringify({ image: path, width, height, detections: short })}\n`)
    },
    finish: () => file.finish(),
    discard: () => file.discard(),
  }
}
