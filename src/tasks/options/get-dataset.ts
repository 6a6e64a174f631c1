import { z } from "zod"
import { publishedData } from "../../setup/published-data.js"
import { option } from "../option.js"
import { offline } from "./shared.js"

const names = publishedData.map(({ name }) => name)

export const getDatasetSchema = z.strictObject({
  name: option(z.string(), { help: `which: ${names.join(", ")}` }),
  out: option(z.string().default("data"), {
    help: "where it goes: VOCdevkit/ or coco2017/ in this folder",
    value: "folder",
    path: "single",
  }),
  from: option(z.string().optional(), {
    help: "another server that has the archives under their published names",
    value: "address",
    otherwise: "the publisher's own",
  }),
  offline: offline(),
})

export type GetDatasetOptions = z.input<typeof getDatasetSchema>
