import { z } from "zod"
import { engine } from "./shared.js"

export const examineSchema = z.strictObject({ engine })
