import { parentPort, workerData } from "node:worker_threads"
import { UserError } from "../core/errors.js"
import { type SentError, sendError } from "../core/sent-error.js"
import { withinGate } from "./exit-gate.js"
import type { OpenedInput } from "./image-input.js"
import { imageModel, type ModelParts } from "./image-model.js"
import type { ThreadAnswer, ThreadData, ThreadJob } from "./model-thread.js"

/** Images for the network of a thread. */
export interface ImageJob<Options> {
  readonly images: readonly OpenedInput[]
  readonly options: Options
}

/** For each image what was found, or why it cannot be opened. */
export type ImageAnswers<Result> = readonly ({ readonly found: Result } | { readonly error: SentError })[]

/**
 * What a worker thread does: it opens a network, tells of it, and answers jobs until it is asked to end.
 * @param open what the thread tells of the network, and how it runs
 */
export function serveModel<Data, Options, Result>(
  open: (data: Data) => Promise<{ readonly info: unknown } & ModelParts<Options, Result>>,
): void {
  const port = parentPort!
  const { gate, data } = workerData as ThreadData<Data>
  const answer = (value: ThreadAnswer) => port.postMessage(value)
  const running = new Set<Promise<unknown>>()
  let isEnding = false
  const opened = withinGate(gate, () => open(data)).then((parts) => {
    const infer: typeof parts.infer = (images, options) => {
      if (isEnding) throw new Error("infer: expected a thread that goes on, got one that ends")
      return withinGate(gate, () => parts.infer(images, options))
    }
    return { info: parts.info, model: imageModel({ ...parts, infer }) }
  })
  const run = async ({ images, options }: ImageJob<Options>): Promise<ImageAnswers<Result>> => {
    const { model } = await opened
    const answers = await model.run(images, options)
    return answers.map((one) => (one instanceof UserError ? { error: sendError(one) } : { found: one }))
  }
  const end = async (): Promise<void> => {
    isEnding = true
    port.off("message", take)
    await Promise.allSettled(running)
    await withinGate(gate, async () => (await opened).model.dispose()).catch(() => undefined)
  }
  const take = (message: ThreadJob<ImageJob<Options>>) => {
    if (message === undefined) return void end()
    const { id, job } = message
    const done = run(job)
      .then(
        (value) => answer({ id, value }),
        (error: unknown) => answer({ id, error: sendError(error) }),
      )
      .finally(() => running.delete(done))
    running.add(done)
  }
  port.on("message", take)
  opened.then(
    ({ info }) => answer({ id: 0, value: info }),
    (error: unknown) => answer({ id: 0, error: sendError(error) }),
  )
}
