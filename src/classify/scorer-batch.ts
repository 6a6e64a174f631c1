/**
 * How many crops go through a network at once. Apart, so that a command's help loads no tensors.
 * @source ours: enough to keep the machine busy, about 0.5 GB for a ResNet-50 at 224
 */
export const scorerBatch = 32
