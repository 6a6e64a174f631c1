import * as tf from "@tensorflow/tfjs-core"

export interface Shader {
  /** Its own among all shaders: the compiled one is kept under it. */
  readonly name: string
  /** By the names that the code reads them by: `getGrads(r, i, j, c)` for `grads`, and `uniforms.gradsShape`. */
  readonly inputs: Readonly<Record<string, tf.Tensor>>
  /** Of the output: `uniforms.outShape`. */
  readonly shape: readonly number[]
  readonly dtype?: "float32" | "int32"
  /**
   * WGSL with a function `main(index : i32)` for each value of the output: it may call `getCoordsFromIndex` and
   * `setOutputAtIndex`, and has to check that `index < uniforms.size`.
   */
  readonly code: string
}

/** Values of the output that one workgroup makes. */
const threads = 64

/** Runs a shader of ours on the WebGPU backend, as that runs its own; it leaves nothing on the gradient tape. */
export function runShader({ name, inputs, shape, dtype = "float32", code }: Shader): tf.Tensor {
  const program = {
    variableNames: Object.keys(inputs),
    outputShape: [...shape],
    workgroupSize: [threads, 1, 1],
    dispatchLayout: { x: [...shape.keys()] },
    dispatch: [Math.ceil(tf.util.sizeFromShape([...shape]) / threads), 1, 1],
    size: true,
    shaderKey: name,
    getUserCode: () => code,
  }
  const backend = tf.backend() as unknown as WebGpuBackend
  return tf.engine().makeTensorFromTensorInfo(backend.runWebGPUProgram(program, Object.values(inputs), dtype))
}

interface WebGpuBackend {
  runWebGPUProgram(program: object, inputs: readonly tf.TensorInfo[], dtype: string): tf.TensorInfo
}
