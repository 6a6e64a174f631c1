import { runCropJob } from "./crop-job.js"
import { runJob } from "./job.js"

/** What a worker thread can be asked to do, by name: batches for detectors, crops for classifiers. */
export const work = { batch: runJob, crops: runCropJob } as const
