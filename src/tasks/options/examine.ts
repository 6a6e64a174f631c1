import { z } from "zod"
import { engine } from "./shared.js"

export const examineSchema = z.strictObject({ engine })

export type ExamineOptions = z.input<typeof examineSchema>
