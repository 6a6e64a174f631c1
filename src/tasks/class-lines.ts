import type { RgbImage } from "../../datasets/image/rgb.js"
import type { Scorer } from "../classify/scorer.js"
import { bestClasses, rowOf } from "../eval/classification.js"

/** One class an image may be of. */
export interface ClassGuess {
  readonly label: string
  /** 0..K-1. */
  readonly classId: number
  /** 0..1. */
  readonly score: number
}

/** What a classifier says of an image. */
export interface ImageClasses {
  /** Its path within the source. */
  readonly image: string
  /** The best first. */
  readonly classes: readonly ClassGuess[]
}

/** The `top` best classes of each image, best first. */
export async function guessClasses(scorer: Scorer, images: readonly RgbImage[], top: number): Promise<ClassGuess[][]> {
  const scores = images.length > 0 ? await scorer.score(images) : new Float32Array(0)
  return images.map((_, n) => {
    const row = rowOf(scores, n, scorer.classes.length)
    return bestClasses(row, top).map((classId) => {
      return { label: scorer.classes[classId]!, classId, score: row[classId]! }
    })
  })
}

export type ClassFormat = "text" | "jsonl" | "csv"

/** The line above all others, in formats that have one. */
export const headLine = (format: ClassFormat): string | undefined =>
  format === "csv" ? "image,rank,label,class_id,score" : undefined

/** An image's lines: one, or in CSV one a class. */
export function classLines({ image, classes }: ImageClasses, format: ClassFormat): string[] {
  switch (format) {
    case "jsonl":
      return [JSON.stringify({ image, classes: classes.map((one) => ({ ...one, score: short(one.score) })) })]
    case "csv":
      return classes.map(({ label, classId, score }, rank) =>
        [csvField(image), rank + 1, csvField(label), classId, short(score)].join(","),
      )
    default:
      return [`${image}: ${classes.map(({ label, score }) => `${label} ${score.toFixed(3)}`).join(", ")}`]
  }
}

const short = (score: number) => Number(score.toPrecision(6))

/** As RFC 4180 says. */
export function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
