import { z } from "zod"
import { option } from "../option.js"
import { offline } from "./shared.js"

const name = option(z.string(), { help: "which, as resdet weights list names them, or coco" })

export const listWeightsSchema = z.strictObject({})

export const getWeightsSchema = z.strictObject({
  name,
  from: option(z.string().optional(), {
    help: "another server that has the files under their published names",
    value: "address",
    otherwise: "torchvision's own",
  }),
  offline: offline(),
})

export const whereWeightsSchema = z.strictObject({
  name: option(z.string(), { help: "which, as resdet weights list names them, or coco" }),
})

export type GetWeightsOptions = z.input<typeof getWeightsSchema>
