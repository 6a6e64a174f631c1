/** What can run tensors: native TensorFlow, a GPU behind WebGPU, WebAssembly. */
export const engineNames = ["tensorflow", "webgpu", "wasm"] as const
export type EngineName = (typeof engineNames)[number]

/** `auto` takes native TensorFlow when it is set up, else WebAssembly. */
export const engineChoices = [...engineNames, "auto"] as const
export type EngineChoice = (typeof engineChoices)[number]

/**
 * What convolutions and matrix products are computed in. With `bf16` their inputs are rounded to 8 bits of mantissa, sums
 * are float32 as ever, and so are weights, losses and everything else.
 */
export const precisions = ["float32", "bf16"] as const
export type Precision = (typeof precisions)[number]
