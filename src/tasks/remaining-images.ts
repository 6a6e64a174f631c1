import { DataError, UsageError } from "../core/errors.js"
import { type LoggedImage, readDetectionLog } from "../predict/detection-log.js"
import type { SourceImage } from "../predict/source-image.js"
import type { Shard } from "./detection-record.js"

/**
 * A shard as it is written on the command line: `0/4` is the first of four.
 * @throws UsageError for anything else
 */
export function shardOf(text: string | undefined): Shard | undefined {
  if (text === undefined) return undefined
  const [, index, count] = /^(\d+)\/(\d+)$/.exec(text)?.map(Number) ?? []
  if (index !== undefined && count !== undefined && index < count) return { index, count }
  throw new UsageError(`--shard: expected i/n with i from 0 to n - 1, such as 0/4, got "${text}"`)
}

/** How many of so many images a shard has. */
export const countIn = ({ index, count }: Shard, images: number): number => Math.ceil((images - index) / count)

/**
 * The same images, once it is known that there is one; undefined where there is none. They are disposed of also where nobody has come
 * to look at them.
 */
export async function startsWithOne(
  images: AsyncIterable<SourceImage>,
): Promise<(AsyncIterable<SourceImage> & Disposable) | undefined> {
  const iterator = images[Symbol.asyncIterator]()
  const first = await iterator.next()
  if (first.done) return undefined
  return {
    async *[Symbol.asyncIterator]() {
      yield first.value
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value
    },
    [Symbol.dispose]: () => void iterator.return?.(),
  }
}

/**
 * What a run has still to look at: its shard's images without those that its log has.
 * @param log that of an earlier run, and the classes of its detector
 * @param onLogged told each image that the log has
 * @throws DataError where the log tells of other images: the source has changed
 */
export async function* remainingImages(
  images: AsyncIterable<SourceImage>,
  shard: Shard | undefined,
  log: { readonly path: string; readonly classes: readonly string[] } | undefined,
  onLogged: (logged: LoggedImage) => void,
): AsyncGenerator<SourceImage> {
  let logged = log === undefined ? undefined : readDetectionLog(log.path, log.classes)
  let place = 0
  let line = 0
  const differs = (got: string) =>
    new DataError(`${log?.path}, line ${line}: expected ${got}: the source has changed. Choose another --out`)
  for await (const image of images) {
    if (shard !== undefined && place++ % shard.count !== shard.index) continue
    const { value, done } = (await logged?.next()) ?? { value: undefined, done: true }
    if (done) {
      logged = undefined
      yield image
    } else {
      line++
      if (value.path !== image.path) throw differs(`${image.path}, got ${value.path}`)
      onLogged(value)
    }
  }
  const more = await logged?.next()
  if (more && !more.done) throw differs(`no more images, got ${more.value.path}`)
}
