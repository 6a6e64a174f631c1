import { ahead } from "../../datasets/loader/ahead.js"
import { BusyError, DisposedError, UserError } from "../core/errors.js"
import { userError } from "./detect-images.js"
import { type ImageInput, isSlow, nameOfInput, type OpenedInput, openInput } from "./image-input.js"
import { type ImageModel, withFailures } from "./image-model.js"
import { JobQueue } from "./job-queue.js"

/** What every call of a handle takes beside the options of its task. */
export interface CallOptions {
  /** Gives the call up, which rejects with the signal's reason at once. An image that is being looked at is done for nothing. */
  readonly signal?: AbortSignal | undefined
  /** Hands the memory of bytes and pixels over to the thread that works, as `postMessage` does: the caller has it no longer. */
  readonly transfer?: boolean | undefined
}

/** One image of a list that cannot be read. */
export interface FailedImage {
  readonly error: UserError
}

interface CallsOptions {
  /** The method of the handle, for messages. */
  readonly name: string
  /** How many images of a list go to the model in one job. */
  readonly together: number
  /** How many calls may wait beside those that are being worked on. */
  readonly maxQueue: number
}

/** So many images are fetched, or fetched and waiting, at once: a slow server does not hold up those who gave bytes. */
const fetchedAtOnce = 8

/** The calls of a handle: they wait for their turn in a queue that is bounded, and end early when they are given up. */
export class ImageCalls<Options, Result extends object> {
  readonly #model: ImageModel<Options, Result>
  readonly #options: CallsOptions
  readonly #jobs: JobQueue
  readonly #fetches = new JobQueue(fetchedAtOnce)
  #disposed: DisposedError | undefined
  #pending = 0

  constructor(model: ImageModel<Options, Result>, options: CallsOptions) {
    this.#model = model
    this.#options = options
    this.#jobs = new JobQueue(model.jobs)
  }

  /** Calls that are not done. */
  get pending(): number {
    return this.#pending
  }

  /** @throws UserError naming the image where it cannot be read; BusyError, DisposedError, the signal's reason */
  async one(input: ImageInput, options: Options, call: CallOptions): Promise<Result> {
    const [result] = await this.#counted(() => this.#run([input], options, call))
    if (result instanceof UserError) throw named(result, nameOfInput(input) ?? this.#options.name)
    return result!
  }

  /** Results in the order of the images; one that cannot be read has its error, which names it. @throws as above */
  many(inputs: readonly ImageInput[], options: Options, call: CallOptions): Promise<(Result | FailedImage)[]> {
    return this.#counted(async () => {
      const { together } = this.#options
      const starts = Array.from({ length: Math.ceil(inputs.length / together) }, (_, i) => i * together)
      const job = (start: number) => this.#run(inputs.slice(start, start + together), options, call)
      const results: (Result | FailedImage)[] = []
      for await (const { result: some } of ahead(starts, job, this.#model.jobs)) {
        for (const one of some) {
          const place = results.length
          results.push(one instanceof UserError ? { error: named(one, placeOf(inputs[place], place)) } : one)
        }
      }
      return results
    })
  }

  /**
   * Results of images that come one by one, in their order; these calls are not counted. @throws what is not one image's fault
   */
  async *each<Item>(
    items: AsyncIterable<Item>,
    inputOf: (item: Item) => { readonly input: ImageInput; readonly name: string },
    options: Options,
  ): AsyncGenerator<{ readonly item: Item; readonly result: Result | UserError }> {
    const look = async (item: Item) => {
      const { input, name } = inputOf(item)
      const [result] = await this.#run([input], options, {})
      return result instanceof UserError ? named(result, name) : result!
    }
    yield* ahead(items, look, this.#model.jobs)
  }

  /** Ends all calls with a `DisposedError`, and the model with them. */
  dispose(): void {
    if (this.#disposed !== undefined) return
    this.#disposed = new DisposedError(`${this.#options.name}: the handle has been disposed of`)
    this.#fetches.close(this.#disposed)
    this.#jobs.close(this.#disposed)
    this.#model.dispose()
  }

  async #counted<Done>(work: () => Promise<Done>): Promise<Done> {
    if (this.#disposed !== undefined) throw this.#disposed
    const { name, maxQueue } = this.#options
    if (this.#pending >= this.#model.jobs + maxQueue) {
      throw new BusyError(
        `${name}: ${maxQueue} calls are waiting, as many as maxQueue allows. Try again later, or give a list of images`,
      )
    }
    this.#pending++
    try {
      return await work()
    } finally {
      this.#pending--
    }
  }

  #run(
    inputs: readonly ImageInput[],
    options: Options,
    { signal, transfer = false }: CallOptions,
  ): Promise<readonly (Result | UserError)[]> {
    const look = async (signal?: AbortSignal) => {
      const opened = await Promise.all(inputs.map((input) => openOrFail(input, signal)))
      return withFailures(opened, (some) => {
        const sent = some.map(({ source, isOurs }) => ({ source, isOurs: isOurs || transfer }))
        return this.#jobs.run(() => this.#model.run(sent, options), signal)
      })
    }
    return inputs.some(isSlow) ? this.#fetches.run(look, signal) : look(signal)
  }
}

const openOrFail = (input: ImageInput, signal: AbortSignal | undefined): Promise<OpenedInput | UserError> =>
  openInput(input, signal).catch(userError)

function placeOf(input: unknown, place: number): string {
  const name = nameOfInput(input)
  return name === undefined ? `images[${place}]` : `images[${place}] (${name})`
}

/** An error of the same class whose message begins with a name, once. */
function named(error: UserError, name: string): UserError {
  if (error.message.startsWith(name)) return error
  return new (error.constructor as typeof UserError)(`${name}: ${error.message}`)
}
