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
