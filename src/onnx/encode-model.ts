import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire"
import type { Attribute, ElementType, OnnxModel, OnnxNode, TensorData, TensorSpec } from "./model.js"
import { onnxVersions } from "./model.js"
import { attributeTypes, elementTypes, fields } from "./model-format.js"

/**
 * A model as the bytes of its file, in pieces: the constants are the pieces of `model` itself, not copies.
 * @throws Error when they pass the 2 GiB that protobuf can hold
 */
export function encodeModel(model: OnnxModel): Uint8Array[] {
  const head = new BinaryWriter()
  number(head, fields.model.format, onnxVersions.format)
  text(head, fields.model.producer, "resdet")
  message(head, fields.model.opset, () => number(head, fields.opset.version, onnxVersions.opset))
  for (const [key, value] of Object.entries(model.metadata)) {
    message(head, fields.model.metadata, () => {
      text(head, fields.metadata.key, key)
      text(head, fields.metadata.value, value)
    })
  }
  const graph = encodeGraph(model)
  const length = graph.reduce((sum, { byteLength }) => sum + byteLength, 0)
  if (length > MOST_BYTES) throw new Error(`encodeModel: expected at most ${MOST_BYTES} bytes, got ${length}`)
  head.tag(fields.model.graph, WireType.LengthDelimited).uint32(length)
  return [head.finish(), ...graph]
}

/** A tensor's description, as the graph's fields `input` and `output` hold it. */
export function encodeTensorSpec(to: BinaryWriter, { name, type, shape }: TensorSpec): void {
  text(to, fields.value.name, name)
  message(to, fields.value.type, () =>
    message(to, fields.type.tensor, () => {
      number(to, fields.tensorType.element, elementTypes[type])
      message(to, fields.tensorType.shape, () => {
        for (const side of shape) {
          message(to, fields.shape.side, () => {
            if (typeof side === "number") number(to, fields.side.length, side)
            else text(to, fields.side.word, side)
          })
        }
      })
    }),
  )
}

/** Writes a message as the value of a field. */
export function message(to: BinaryWriter, field: number, write: () => void): void {
  to.tag(field, WireType.LengthDelimited).fork()
  write()
  to.join()
}

const MOST_BYTES = 2 ** 31 - 1 - 2 ** 20

function encodeGraph({ name, nodes, constants, inputs, outputs }: OnnxModel): Uint8Array[] {
  const { graph } = fields
  const to = new BinaryWriter()
  for (const node of nodes) message(to, graph.node, () => encodeNode(to, node))
  text(to, graph.name, name)
  for (const spec of inputs) message(to, graph.input, () => encodeTensorSpec(to, spec))
  for (const spec of outputs) message(to, graph.output, () => encodeTensorSpec(to, spec))
  return [to.finish(), ...[...constants].flatMap(([name, tensor]) => encodeConstant(name, tensor))]
}

function encodeNode(to: BinaryWriter, { op, inputs, outputs, attributes }: OnnxNode): void {
  const { node } = fields
  for (const input of inputs) text(to, node.input, input)
  for (const output of outputs) text(to, node.output, output)
  text(to, node.name, outputs[0]!)
  text(to, node.op, op)
  for (const [name, value] of Object.entries(attributes)) {
    message(to, node.attribute, () => encodeAttribute(to, name, value))
  }
}

function encodeAttribute(to: BinaryWriter, name: string, value: Attribute): void {
  const { attribute } = fields
  text(to, attribute.name, name)
  const type = attributeTypes[attributeKind(value)]
  if (typeof value === "number") number(to, attribute.integer, value)
  else if (typeof value === "string") text(to, attribute.text, value)
  else if ("real" in value) to.tag(attribute.real, WireType.Bit32).float(value.real)
  else for (const one of value) number(to, attribute.integers, one)
  number(to, attribute.type, type)
}

function attributeKind(value: Attribute): keyof typeof attributeTypes {
  if (typeof value === "number") return "integer"
  if (typeof value === "string") return "text"
  return "real" in value ? "real" : "integers"
}

/** The constant in two pieces, so that its numbers need no copy. */
function encodeConstant(name: string, { shape, values }: TensorData): Uint8Array[] {
  const { tensor } = fields
  const own = new BinaryWriter()
  for (const side of shape) number(own, tensor.side, side)
  number(own, tensor.type, elementTypes[elementType(values)])
  text(own, tensor.name, name)
  own.tag(tensor.bytes, WireType.LengthDelimited).uint32(values.byteLength)
  const described = own.finish()
  const to = new BinaryWriter()
  to.tag(fields.graph.constant, WireType.LengthDelimited).uint32(described.byteLength + values.byteLength)
  to.raw(described)
  return [to.finish(), new Uint8Array(values.buffer, values.byteOffset, values.byteLength)]
}

function elementType(values: TensorData["values"]): ElementType {
  if (values instanceof Float32Array) return "float32"
  return values instanceof Float64Array ? "float64" : "int64"
}

function number(to: BinaryWriter, field: number, value: number): void {
  to.tag(field, WireType.Varint).int64(value)
}

function text(to: BinaryWriter, field: number, value: string): void {
  to.tag(field, WireType.LengthDelimited).string(value)
}
