import { z } from "zod"
import { engine, offline, outFolder } from "./shared.js"

export const quickstartSchema = z.strictObject({
  out: outFolder("runs/quickstart"),
  engine,
  offline: offline(),
})

export type QuickstartOptions = z.input<typeof quickstartSchema>
