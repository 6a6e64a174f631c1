import type { Tensor } from "@tensorflow/tfjs-core"

/**
 * Keeps what the gradients of one tape node share until the next node's turn, then frees it. A tape runs its nodes one
 * after the other, and tfjs itself would free nothing before the whole step is done.
 */
export function holdScratch(...tensors: readonly Tensor[]): void {
  for (const tensor of held) tensor.dispose()
  held = tensors
}

let held: readonly Tensor[] = []
