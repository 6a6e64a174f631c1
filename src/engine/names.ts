/** What can run tensors: native TensorFlow, a GPU behind WebGPU, WebAssembly. */
export const engineNames = ["tensorflow", "webgpu", "wasm"] as const
export type EngineName = (typeof engineNames)[number]

/** `auto` takes native TensorFlow when it is set up, else WebAssembly. */
export const engineChoices = [...engineNames, "auto"] as const
export type EngineChoice = (typeof engineChoices)[number]
