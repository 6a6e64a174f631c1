import type { Command } from "commander"
import type { Scorer } from "../classify/scorer.js"
import type { SourceImage } from "../predict/source-image.js"
import { DataError, UsageError, UserError } from "../tensor/errors.js"
import { addScorerFlags, openScorer, type ScorerFlags } from "./classify-scorer.js"
import { interruption } from "./exit.js"
import { atLeastOneFlag } from "./flags.js"
import { log, print } from "./report.js"

interface PredictFlags extends ScorerFlags {
  readonly source: string
  readonly top: number
  readonly json?: boolean
  readonly csv?: boolean
  readonly out?: string
}

/** `resdet classify predict`: the best classes of every image of a source, a line each. */
export function configure(command: Command): void {
  addScorerFlags(command)
    .requiredOption("--source <path>", "an image, a folder, a pattern in quotes, or a list file (.txt)")
    .option("--top <number>", "how many of the best classes are told", atLeastOneFlag, 5)
    .option("--json", "one JSON document a line, one line an image")
    .option("--csv", "a line for every class that is told: image,rank,label,class_id,score")
    .option("--out <file>", "write the lines to a file (default: to stdout)")
    .action(predict)
}

/** One class an image may be of. */
interface Guess {
  readonly label: string
  /** 0..K-1. */
  readonly classId: number
  /** 0..1. */
  readonly score: number
}

async function predict(flags: PredictFlags): Promise<void> {
  const { source, out } = flags
  const format = formatOf(flags)
  const [{ openImageSource }, { StagedFile }] = await Promise.all([
    import("../predict/image-source.js"),
    import("../predict/staged-file.js"),
  ])
  const images = await openImageSource(source)
  const scorer = await openScorer(flags, log)
  const file = out === undefined ? undefined : new StagedFile(out)
  const write = (line: string) => (file ? file.write(`${line}\n`) : print(line))
  let [count, skipped] = [0, 0]
  try {
    if (flags.csv) write("image,rank,label,class_id,score")
    for await (const { image, guesses, error } of guess(scorer, images, flags)) {
      count++
      if (error !== undefined) {
        skipped++
        log(`${image.path}: skipped: ${error.message}`)
      } else for (const line of format(image.path, guesses)) write(line)
    }
    file?.finish()
  } catch (error) {
    file?.discard()
    throw error
  } finally {
    scorer.dispose()
  }
  if (count === 0 && !interruption().aborted) throw new DataError(`${source}: expected images, found none`)
  if (skipped > 0) throw new DataError(`${skipped} of ${count} images could not be read`)
}

type Guessed =
  | { readonly image: SourceImage; readonly guesses: readonly Guess[]; readonly error?: never }
  | { readonly image: SourceImage; readonly guesses?: never; readonly error: UserError }

/** The images of a source in their order, `batch` at a time: memory does not grow with the source. */
async function* guess(
  scorer: Scorer,
  images: AsyncIterable<SourceImage>,
  { top, batch = 32 }: PredictFlags,
): AsyncGenerator<Guessed> {
  const [{ prefetch }, { decodePixels }, { bestClasses, rowOf }] = await Promise.all([
    import("../predict/prefetch.js"),
    import("../predict/images.js"),
    import("../eval/classification.js"),
  ])
  const signal = interruption()
  type Decoded = { image: SourceImage; pixels?: Awaited<ReturnType<typeof decodePixels>>; error?: UserError }
  let waiting: Decoded[] = []
  for await (const { item: image, ...outcome } of prefetch(images, ({ file }) => decodePixels(file), batch)) {
    if (signal.aborted) return
    if ("value" in outcome) waiting.push({ image, pixels: outcome.value })
    else if (outcome.error instanceof UserError) waiting.push({ image, error: outcome.error })
    else throw outcome.error
    if (waiting.length < batch) continue
    yield* scored(waiting)
    waiting = []
  }
  yield* scored(waiting)

  async function* scored(some: readonly Decoded[]): AsyncGenerator<Guessed> {
    const whole = some.flatMap(({ pixels }) => (pixels ? [{ pixels: pixels.data, ...sizeOf(pixels) }] : []))
    const scores = whole.length > 0 ? await scorer.score(whole) : new Float32Array(0)
    let n = 0
    for (const { image, error } of some) {
      if (error !== undefined) yield { image, error }
      else {
        const row = rowOf(scores, n++, scorer.classes.length)
        const guesses = bestClasses(row, top).map((classId) => ({
          label: scorer.classes[classId]!,
          classId,
          score: row[classId]!,
        }))
        yield { image, guesses }
      }
    }
  }
}

const sizeOf = ({ height, width }: { readonly height: number; readonly width: number }) => ({ height, width })

function formatOf({ json, csv }: PredictFlags): (path: string, guesses: readonly Guess[]) => string[] {
  if (json && csv) throw new UsageError("classify predict: expected --json or --csv, got both")
  const short = (score: number) => Number(score.toPrecision(6))
  if (json) {
    return (image, guesses) => [
      JSON.stringify({ image, classes: guesses.map((one) => ({ ...one, score: short(one.score) })) }),
    ]
  }
  if (csv) {
    return (path, guesses) =>
      guesses.map(({ label, classId, score }, rank) =>
        [quoted(path), rank + 1, quoted(label), classId, short(score)].join(","),
      )
  }
  return (path, guesses) => [`${path}: ${guesses.map(({ label, score }) => `${label} ${score.toFixed(3)}`).join(", ")}`]
}

/** As RFC 4180 says. */
function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
