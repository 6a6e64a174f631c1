import { z } from "zod"
import { detectEngines } from "./flags.js"

const fraction = z.number().min(0).max(1)

/** The options of `detect`, and their defaults. */
export const detectSchema = z.strictObject({
  weights: z.string(),
  source: z.string(),
  out: z.string().optional(),
  /** @source detectron2 demo/demo.py: `--confidence-threshold` 0.5 */
  score: fraction.default(0.5),
  /** The model's own when it is not given. */
  nms: fraction.optional(),
  format: z.array(z.string()).default(["jsonl"]),
  draw: z.boolean().default(true),
  crops: z.boolean().default(false),
  engine: z.enum(detectEngines).default("auto"),
})

export type DetectConfig = z.output<typeof detectSchema>
