import type { Normalisation } from "../../src/core/normalisation.js"
import { inputDivisor, type SizeOptions } from "../image/size.js"
import { openDefaults, type Photo, sendable } from "../open-sample.js"
import type { PhotoFaults } from "../photo-faults.js"
import { ahead } from "./ahead.js"
import type { PlacedPhoto } from "./detection-inputs.js"
import { defaultWorkers, WorkerPool } from "./pool.js"

interface OpenInputsOptions extends SizeOptions, Normalisation {
  /** Takes what is wrong with the photos, and says what is done about it. */
  readonly faults?: PhotoFaults | undefined
  /** Threads that decode and resize; 0: none. When left out, as many as the training loader takes. */
  readonly workers?: number
}

/** @source as `prefetch` of the training loader */
const openAhead = 4

/** A photo as a network takes it. */
interface Input extends PlacedPhoto {
  /** `[1, H, W, 3]` float32, normalised RGB, zero where padded to multiples of 32, as in training batches. */
  readonly pixels: Float32Array
  readonly shape: readonly [number, number, number, number]
}

export interface OpenedInput<Record> {
  readonly record: Record
  readonly index: number
  /** Undefined when the photo cannot be used, or a policy leaves it out. */
  readonly input: Input | undefined
}

/**
 * Photos in the order given, each an input of its own, made in worker threads ahead of whoever takes them; memory does not
 * grow with their number.
 * @throws DataError when the policy of `faults` is to stop
 */
export async function* openInputs<Record extends Photo>(
  records: Iterable<Record>,
  { faults, workers = defaultWorkers(), size, maxSize, sizeRule = "exact", mean, std }: OpenInputsOptions,
): AsyncGenerator<OpenedInput<Record>, void, undefined> {
  const { maxPixels, policies } = { ...openDefaults, ...(faults && { policies: faults.policies }) }
  const how = { size, maxSize, sizeRule, mean, std, divisor: inputDivisor, maxPixels, policies }
  const pool = new WorkerPool("detection", workers)
  const make = async (record: Record) => pool.run({ photos: [{ ...(await sendable(record)), flip: false }], ...how })
  let index = 0
  try {
    for await (const { item: record, result } of ahead(records, make, openAhead)) {
      const { pixels, shape, placed, problems } = result
      faults?.add(record, problems[0]!)
      yield { record, index: index++, input: placed[0] && { pixels, shape, ...placed[0] } }
    }
  } finally {
    await pool.close()
  }
}
