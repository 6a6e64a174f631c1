import * as tf from "@tensorflow/tfjs-core"
import { isOnCuda } from "./op.js"

/** What tfjs's backend makes a tensor of. */
interface TensorInfo {
  readonly id: number
  readonly shape: number[]
  readonly dtype: number
}

/** What our addon offers beside tfjs-node's own calls; see `collectives.cc`. */
interface CollectiveBinding {
  joinCluster(server: Uint8Array, task: string, isLocal: boolean): Promise<void>
  addTensors(ids: number[], processes: number, key: number, seconds: number, hint: string): Promise<TensorInfo[]>
  exchangeWords(
    words: Int32Array,
    how: "gather" | "add",
    processes: number,
    key: number,
    seconds: number,
  ): Promise<Int32Array>
  endProcess(exitCode: number): never
}

interface CollectiveBackend {
  readonly binding: CollectiveBinding
  getInputTensorIds(tensors: tf.Tensor[]): number[]
  createOutputTensor(info: TensorInfo): tf.Tensor
}

const backend = () => tf.backend() as unknown as CollectiveBackend

/**
 * Gradients travel in pieces of about this size, bytes.
 * @source PyTorch DistributedDataParallel: `bucket_cap_mb` 25
 */
const pieceBytes = 25 * 2 ** 20

/**
 * The longest that processes may be apart: one may save or judge a model while the others wait.
 * @source torch.distributed: 30 minutes for gloo
 */
const mostSeconds = 30 * 60

/** TensorFlow's collective operations among so many processes; each process calls the same ones in the same order. */
export class Collectives {
  readonly #size: number
  #key = 1

  constructor(size: number) {
    this.#size = size
  }

  /** The sums over all processes of float32 tensors of the same names and shapes; to be disposed by the caller. */
  async sum(tensors: tf.NamedTensorMap): Promise<tf.NamedTensorMap> {
    const pieces = inPieces(Object.entries(tensors))
    const flat = pieces.map((piece) => tf.tidy(() => tf.concat(piece.map(([, tensor]) => tf.reshape(tensor, [-1])))))
    let sums: tf.Tensor[]
    try {
      const ids = backend().getInputTensorIds(flat)
      const infos = await backend().binding.addTensors(ids, this.#size, this.#keys(ids.length), mostSeconds, hint())
      sums = infos.map((info) => backend().createOutputTensor(info))
    } finally {
      tf.dispose(flat)
    }
    return tf.tidy(() => {
      const whole: tf.NamedTensorMap = {}
      for (const [i, piece] of pieces.entries()) {
        const sizes = piece.map(([, { size }]) => size)
        for (const [k, part] of tf.split(sums[i]!, sizes).entries()) {
          const [name, { shape }] = piece[k]!
          whole[name] = tf.reshape(part, shape)
        }
      }
      tf.dispose(sums)
      return whole
    })
  }

  /** The words of all processes, of which each gives as many, one behind the other. */
  gather(words: Int32Array): Promise<Int32Array> {
    return backend().binding.exchangeWords(words, "gather", this.#size, this.#keys(1), mostSeconds)
  }

  /** The sums of the words of all processes, of which each gives as many. */
  add(words: Int32Array): Promise<Int32Array> {
    return backend().binding.exchangeWords(words, "add", this.#size, this.#keys(1), mostSeconds)
  }

  /** Each collective has a number that no other ever has. */
  #keys(count: number): number {
    const first = this.#key
    this.#key += count
    return first
  }
}

/** Makes this process a task of a cluster; before any tensor is made. @param isLocal whether its port is for this machine alone */
export const joinTasks = (server: Uint8Array, task: string, isLocal: boolean): Promise<void> =>
  backend().binding.joinCluster(server, task, isLocal)

/** Ends this process although threads of TensorFlow's wait, with the exit code that has been set. */
export const endProcess = (): never => backend().binding.endProcess(Number(process.exitCode ?? 1))

const hint = () => (isOnCuda() ? "nccl" : "auto")

type Named = readonly [name: string, tensor: tf.Tensor]

function inPieces(tensors: readonly Named[]): Named[][] {
  const pieces: Named[][] = []
  let room = 0
  for (const named of tensors) {
    if (room <= 0) {
      pieces.push([])
      room = pieceBytes
    }
    pieces.at(-1)!.push(named)
    room -= named[1].size * 4
  }
  return pieces
}
