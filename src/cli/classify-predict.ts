import type { Command } from "commander"
import type { RgbImage } from "../../datasets/image/rgb.js"
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
  const [{ ahead }, { decodePixels }, { userError }, { bestClasses, rowOf }] = await Promise.all([
    import("../../datasets/loader/ahead.js"),
    import("../predict/images.js"),
    import("../predict/detect-images.js"),
    import("../eval/classification.js"),
  ])
  const signal = interruption()
  type Decoded = { image: SourceImage; result: RgbImage | UserError }
  const open = ({ file }: SourceImage) => decodePixels(file).catch(userError)
  let waiting: Decoded[] = []
  for await (const { item: image, result } of ahead(images, open, batch)) {
    if (signal.aborted) return
    waiting.push({ image, result })
    if (waiting.length < batch) continue
    yield* scored(waiting)
    waiting = []
  }
  yield* scored(waiting)

  async function* scored(some: readonly Decoded[]): AsyncGenerator<Guessed> {
    const whole = some.flatMap(({ result }) => (result instanceof UserError ? [] : [result]))
    const scores = whole.length > 0 ? await scorer.score(whole) : new Float32Array(0)
    let n = 0
    for (const { image, result } of some) {
      if (result instanceof UserError) yield { image, error: result }
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
