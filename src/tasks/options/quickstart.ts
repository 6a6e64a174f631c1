import { z } from "zod"
import { option } from "../option.js"
import { engine, outFolder } from "./shared.js"

export const quickstartSchema = z.strictObject({
  out: outFolder("runs/quickstart"),
  engine,
  offline: option(z.boolean().default(false), {
    help: "fetch nothing: take the engine and the digits that are there",
  }),
})

export type QuickstartOptions = z.input<typeof quickstartSchema>
