import { z } from "zod"
import { option } from "../option.js"
import { submission } from "./shared.js"

export const mergeDetectionsSchema = z.strictObject({
  shards: option(z.array(z.string()).min(1), {
    help: "the folders of all shards, in any order",
    value: "folders",
    path: "single",
    repeated: true,
  }),
  out: option(z.string(), { help: "where the results of all go", value: "folder", path: "single" }),
  format: option(z.array(z.string()).optional(), {
    help: "result files beside detections.jsonl, comma-separated: coco, voc, yolo, csv, imagenet-det",
    value: "names",
    otherwise: "the shards'",
  }),
  submission,
})

export type MergeDetectionsOptions = z.input<typeof mergeDetectionsSchema>
