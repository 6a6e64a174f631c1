import { imageNet, type Normalisation } from "../../src/tensor/normalisation.js"
import { atLeastOne, positive, withDefaults } from "../../src/tensor/options.js"
import { decodeDefaults } from "../image/decode.js"
import { inputDivisor, sizeDefaults } from "../image/size.js"
import { type BatchJob, type BatchResult, type ImageProblem, runJob } from "./job.js"
import { defaultWorkers, ImagePool } from "./pool.js"

export interface StreamOptions extends Normalisation {
  readonly batchSize: number
  /** Length of the shorter side in input pixels. */
  readonly size: number
  readonly maxSize: number
  readonly divisor: number
  /** Threads that decode and resize; 0: none, `null`: one less than there are cores, at most four. */
  readonly workers: number | null
  /** How many batches are made ready ahead of the consumer: the most that is held at a time. */
  readonly prefetch: number
  readonly maxPixels: number
}

/** @source as `loaderDefaults`; one image a batch, as torchvision scores */
export const streamDefaults: StreamOptions = {
  batchSize: 1,
  ...sizeDefaults,
  divisor: inputDivisor,
  workers: null,
  prefetch: 4,
  maxPixels: decodeDefaults.maxPixels,
  ...imageNet,
}

/** An image ready for the model, and the way back from input pixels to image pixels. */
export interface StreamImage<Source> {
  readonly source: Source
  /** Position in the stream, from 0. */
  readonly index: number
  /** After resizing, before padding. */
  readonly height: number
  readonly width: number
  /** Of the file, upright. */
  readonly imageHeight: number
  readonly imageWidth: number
  /** Input pixels = image pixels * scale. */
  readonly scaleY: number
  readonly scaleX: number
  /** Set for an image that can be used all the same, such as one whose file ended early. */
  readonly problem?: ImageProblem
}

export interface StreamBatch<Source> {
  /** `[N, H, W, 3]` float32, normalised RGB, zero where padded; N is 0 when no image could be used. */
  readonly pixels: Float32Array
  readonly shape: readonly [number, number, number, number]
  readonly images: readonly StreamImage<Source>[]
  /** Images of this batch that could not be used. */
  readonly failed: readonly { readonly source: Source; readonly index: number; readonly problem: ImageProblem }[]
  readonly waitedMs: number
}

/**
 * Images in the order given, ready for the model, made in worker threads ahead of the consumer. Holds `prefetch`
 * batches however many sources there are. A source is a path or the bytes of a file; one that cannot be used comes in
 * `failed` and ends nothing.
 */
export async function* streamImages<Source extends string | Uint8Array>(
  sources: Iterable<Source> | AsyncIterable<Source>,
  overrides: Partial<StreamOptions> = {},
): AsyncGenerator<StreamBatch<Source>, void, undefined> {
  const options = streamOptions(overrides)
  const pool = new ImagePool("batch", options.workers ?? defaultWorkers())
  const ready: { chunk: Source[]; result: Promise<BatchResult> }[] = []
  const chunks = inChunks(sources, options.batchSize)
  let taken = 0
  let isDone = false
  try {
    for (;;) {
      while (!isDone && ready.length < options.prefetch) {
        const { value: chunk, done } = await chunks.next()
        if (done) isDone = true
        else {
          const result = pool.run(imageJob(chunk, options))
          result.catch(() => undefined)
          ready.push({ chunk, result })
        }
      }
      const first = ready.shift()
      if (first === undefined) return
      const since = performance.now()
      const result = await first.result
      yield toBatch(first.chunk, taken, result, performance.now() - since)
      taken += first.chunk.length
    }
  } finally {
    await chunks.return(undefined)
    await pool.close()
  }
}

/** One image, from a path or the bytes of a file, made ready in this thread; as `streamImages` would. */
export async function prepareImage<Source extends string | Uint8Array>(
  source: Source,
  overrides: Partial<StreamOptions> = {},
): Promise<StreamBatch<Source>> {
  return toBatch([source], 0, await runJob(imageJob([source], streamOptions(overrides))), 0)
}

function streamOptions(overrides: Partial<StreamOptions>): StreamOptions {
  const rules = { batchSize: atLeastOne, size: positive, maxSize: positive, divisor: atLeastOne, prefetch: atLeastOne }
  return withDefaults("streamImages", streamDefaults, overrides, rules)
}

function imageJob(sources: readonly (string | Uint8Array)[], options: StreamOptions): BatchJob {
  const { size, maxSize, divisor, maxPixels, mean, std } = options
  const samples = sources.map((source) => ({ source, width: 0, height: 0, flip: false }))
  const skip = { truncated: false, mismatched: false }
  return { samples, size, maxSize, divisor, maxPixels, mean, std, skip }
}

function toBatch<Source>(chunk: readonly Source[], from: number, result: BatchResult, waitedMs: number) {
  const images: StreamImage<Source>[] = []
  const failed: { source: Source; index: number; problem: ImageProblem }[] = []
  for (const [i, { row, ...sample }] of result.samples.entries()) {
    const place = { source: chunk[i]!, index: from + i }
    const { height, width, imageHeight, imageWidth, problem } = sample
    if (row < 0) failed.push({ ...place, problem: problem! })
    else images.push({ ...place, ...sample, scaleY: height / imageHeight, scaleX: width / imageWidth })
  }
  return { pixels: result.pixels, shape: result.shape, images, failed, waitedMs }
}

async function* inChunks<Source>(
  sources: Iterable<Source> | AsyncIterable<Source>,
  size: number,
): AsyncGenerator<Source[], void, undefined> {
  let chunk: Source[] = []
  for await (const source of sources) {
    chunk.push(source)
    if (chunk.length < size) continue
    yield chunk
    chunk = []
  }
  if (chunk.length > 0) yield chunk
}
