import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire"
import { encodeTensorSpec, message } from "./encode-model.js"
import type { TensorSpec } from "./model.js"
import { fields } from "./model-format.js"

/**
 * The texts about a model that stand in its file.
 * @param bytes of the file
 * @throws Error when they are no protobuf messages, or hold no graph
 */
export function readMetadata(bytes: Uint8Array): Record<string, string> {
  const all = fieldsOf(bytes)
  if (!all.some(({ field }) => field === fields.model.graph)) throw new Error("it has no graph")
  const entries = all.filter(({ field }) => field === fields.model.metadata)
  return Object.fromEntries(
    entries.map(({ body }) => {
      const { key, value } = fields.metadata
      const pair = fieldsOf(body)
      const textIn = (field: number) => textOf(pair.find((own) => own.field === field)?.body)
      return [textIn(key), textIn(value)]
    }),
  )
}

/**
 * The file with some of its constants made inputs of the graph, in pieces that are views of it.
 * @throws Error when they are no protobuf messages
 */
export function constantsToInputs(bytes: Uint8Array, specs: readonly TensorSpec[]): Uint8Array[] {
  const names = specs.map(({ name }) => name)
  return fieldsOf(bytes).flatMap(({ field, whole, body }) => {
    if (field !== fields.model.graph) return [whole]
    const kept = fieldsOf(body).filter((own) => !(isConstant(own) && names.includes(constantName(own))))
    const inputs = new BinaryWriter()
    for (const spec of specs) message(inputs, fields.graph.input, () => encodeTensorSpec(inputs, spec))
    const pieces = [...kept.map((own) => own.whole), inputs.finish()]
    const head = new BinaryWriter()
    const length = pieces.reduce((sum, { byteLength }) => sum + byteLength, 0)
    head.tag(fields.model.graph, WireType.LengthDelimited).uint32(length)
    return [head.finish(), ...pieces]
  })
}

export interface Field {
  readonly field: number
  /** With its number and length. */
  readonly whole: Uint8Array
  /** What it holds; empty for plain numbers. */
  readonly body: Uint8Array
}

/** A message's fields, as views of its bytes. */
export function fieldsOf(bytes: Uint8Array): Field[] {
  const reader = new BinaryReader(bytes)
  const found: Field[] = []
  while (reader.pos < reader.len) {
    const start = reader.pos
    const [field, type] = reader.tag()
    const body = type === WireType.LengthDelimited ? reader.bytes() : reader.skip(type, field).subarray(0, 0)
    found.push({ field, whole: bytes.subarray(start, reader.pos), body })
  }
  return found
}

const isConstant = ({ field }: Field): boolean => field === fields.graph.constant

function constantName({ body }: Field): string {
  return textOf(fieldsOf(body).find(({ field }) => field === fields.tensor.name)?.body)
}

export function textOf(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? "" : new TextDecoder().decode(bytes)
}
