import { join } from "node:path"
import { shortNumber } from "./short-number.js"
import { StagedFile } from "./staged-file.js"
import type { DetectionWriter, WriterContext } from "./writer.js"

const columns = ["image", "width", "height", "label", "class_id", "score", "x1", "y1", "x2", "y2"]

/** `detections.csv`: a line a detection, boxes in image pixels; quoted as RFC 4180 says. */
export function csvWriter({ folder }: WriterContext): DetectionWriter {
  const file = new StagedFile(join(folder, "detections.csv"), folder)
  file.write(`${columns.join(",")}\n`)
  return {
    write({ path }, { width, height, detections }) {
      for (const { label, classId, score, box } of detections) {
        const numbers = [score, ...box].map(shortNumber)
        file.write(`${[quoted(path), width, height, quoted(label), classId, ...numbers].join(",")}\n`)
      }
    },
    finish: () => file.finish(),
    discard: () => file.discard(),
  }
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
