import type * as tf from "@tensorflow/tfjs-core"
import type { Parameters } from "../core/parameters.js"
import type { Random } from "../core/random.js"
import type { Peers } from "./agreement.js"
import type { BatchGradients, Losses } from "./gradients.js"

/** What is trained: where batches come from, what their losses are, how the model is judged. */
export interface TrainingTask<Batch, Prepared extends { dispose(): void } = tf.Tensor4D> {
  readonly parameters: Parameters
  readonly batchesPerEpoch: number
  /** The batches of an epoch from `start` on: always the same ones for the same epoch. @param isOwn which, by place */
  batches(epoch: number, start: number, isOwn?: (index: number) => boolean): AsyncIterable<Batch>
  /** Where `batches` goes on after this one; a batch that lost all its images may have been left out before it. */
  next(batch: Batch): number
  /** What comes before the gradient tape, such as the layers that do not train; the loop disposes it. */
  prepare(batch: Batch): Promise<Prepared>
  /** The losses of a prepared batch, under the tape. */
  losses(prepared: Prepared, batch: Batch, random: Random): Losses
  /** The losses and their gradients, made in another way than by a tape around `losses`: the same ones. */
  gradients?(prepared: Prepared, batch: Batch, random: Random): BatchGradients
  /** The names of the batch's images, for when something goes wrong. */
  images(batch: Batch): readonly string[]
  /** How large a batch is, and what to lower where it does not fit into memory. */
  size?(batch: Batch): { readonly is: string; readonly lower: string }
  /** Milliseconds the step had to wait for this batch. */
  waited(batch: Batch): number
  /** What else the step just done is told by, such as `train_error`, the share of its images classified wrong. */
  figures?(): Promise<Readonly<Record<string, number>>>
  /** What is left to do to the model when its last epoch is over, before it is validated and saved. */
  finish?(signal: AbortSignal): Promise<void>
  /**
   * The model's worth on validation data, by name; `best` is chosen by `metric`.
   * @param onImage told how many are done
   * @param peers the processes that share the images out; all of them get the figures, to the digit those of one
   */
  validate?(
    signal: AbortSignal,
    onImage?: (done: number, total: number) => void,
    peers?: Peers,
  ): Promise<Readonly<Record<string, number>>>
}
