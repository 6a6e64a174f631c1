import { ahead } from "./loader/ahead.js"
import { type OpenOptions, openSample, type Photo, type Sample } from "./open-sample.js"
import type { PhotoFaults } from "./photo-faults.js"

interface OpenSamplesOptions extends Partial<OpenOptions> {
  /** How many photos are opened before they are asked for. */
  readonly ahead?: number
  /** Takes what is wrong with the photos, and says what is done about it. */
  readonly faults?: PhotoFaults
}

/** @source ours: one is decoded while another is worked on, and one more where sizes differ */
const openAhead = 2

/** A photo that was opened, and which one it is, from 0. */
export interface OpenedSample<Record> extends Sample {
  readonly record: Record
  readonly index: number
}

/**
 * Photos in the order given, opened ahead of whoever takes them; memory does not grow with their number.
 * @throws DataError when the policy of `faults` is to stop
 */
export async function* openSamples<Record extends Photo>(
  records: Iterable<Record> | AsyncIterable<Record>,
  { ahead: most = openAhead, faults, ...options }: OpenSamplesOptions = {},
): AsyncGenerator<OpenedSample<Record>, void, undefined> {
  const how = faults === undefined ? options : { ...options, policies: faults.policies }
  let index = 0
  for await (const { item: record, result } of ahead(records, (record) => openSample(record, how), most)) {
    faults?.add(record, result.problems)
    yield { record, index: index++, ...result }
  }
}
