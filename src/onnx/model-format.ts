/**
 * The numbers of ONNX's protobuf messages, as far as models of ours need them.
 * @source onnx/onnx.proto
 */
export const fields = {
  model: { format: 1, producer: 2, producerVersion: 3, graph: 7, opset: 8, metadata: 14 },
  opset: { version: 2 },
  metadata: { key: 1, value: 2 },
  graph: { node: 1, name: 2, constant: 5, input: 11, output: 12 },
  node: { input: 1, output: 2, name: 3, op: 4, attribute: 5 },
  attribute: { name: 1, real: 2, integer: 3, text: 4, integers: 8, type: 20 },
  tensor: { side: 1, type: 2, name: 8, bytes: 9 },
  value: { name: 1, type: 2 },
  type: { tensor: 1 },
  tensorType: { element: 1, shape: 2 },
  shape: { side: 1 },
  side: { length: 1, word: 2 },
} as const

/** What a number of the enumerations `TensorProto.DataType` and `AttributeProto.AttributeType` means. */
export const elementTypes = { float32: 1, int64: 7, float64: 11 } as const
export const attributeTypes = { real: 1, integer: 2, text: 3, integers: 7 } as const
