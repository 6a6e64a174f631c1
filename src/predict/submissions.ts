import type { DetectionFormat } from "./writer.js"

/** The evaluation servers that results can be packed for, each by the format that it takes. */
export const submissions = ["voc", "coco", "imagenet-det"] as const satisfies readonly DetectionFormat[]
export type Submission = (typeof submissions)[number]
