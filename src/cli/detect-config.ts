import { z } from "zod"
import { detectShape } from "./detect-flags.js"
import { detectEngines } from "./flags.js"

/** One file, or several whose detectors work as one. */
const files = z.preprocess(
  (value) => (typeof value === "string" ? [value] : value),
  z.custom<readonly string[]>((value) => isListOfTexts(value), "a file or a list of files"),
)

function isListOfTexts(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === "string")
}

/** The options of `detect`, and their defaults. */
export const detectSchema = z.strictObject({
  weights: files,
  source: z.string(),
  out: z.string().optional(),
  ...detectShape,
  /** @source detectron2 demo/demo.py: `--confidence-threshold` 0.5 */
  score: z.number().min(0).max(1).default(0.5),
  format: z.array(z.string()).default(["jsonl"]),
  draw: z.boolean().default(true),
  crops: z.boolean().default(false),
  engine: z.enum(detectEngines).default("auto"),
})

export type DetectConfig = z.output<typeof detectSchema>
