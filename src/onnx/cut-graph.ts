import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire"
import { encodeTensorSpec, message } from "./encode-model.js"
import type { TensorSpec } from "./model.js"
import { fields } from "./model-format.js"
import { type Field, fieldsOf, textOf } from "./read-model.js"

/** A part of a graph, by the names of values in it. */
export interface GraphPart {
  /** Values and constants that are given in the part's use. */
  readonly inputs: readonly TensorSpec[]
  readonly outputs: readonly TensorSpec[]
}

/**
 * The file with the part of its graph that makes `outputs` of `inputs`, in pieces that are views of it.
 * @throws Error when it lacks one of these values, or is no whole file
 */
export function cutGraph(bytes: Uint8Array, part: GraphPart): Uint8Array[] {
  return fieldsOf(bytes).flatMap(({ field, whole, body }) => {
    if (field !== fields.model.graph) return [whole]
    const pieces = partOf(fieldsOf(body), part)
    const length = pieces.reduce((sum, { byteLength }) => sum + byteLength, 0)
    const head = new BinaryWriter().tag(fields.model.graph, WireType.LengthDelimited).uint32(length)
    return [head.finish(), ...pieces]
  })
}

function partOf(graph: readonly Field[], { inputs, outputs }: GraphPart): Uint8Array[] {
  const { node, constant, input, output } = fields.graph
  const given = new Set(inputs.map(({ name }) => name))
  const needed = new Set(outputs.map(({ name }) => name))
  const known = new Set<string>()
  // A node stands behind those whose values it reads: from the last one back it is known what is needed.
  const kept = [...graph].reverse().filter((own) => {
    if (own.field === input || own.field === output) return false
    if (own.field !== node) return true
    const { reads, makes } = valuesOf(own)
    for (const name of makes) known.add(name)
    if (!makes.some((name) => needed.has(name) && !given.has(name))) return false
    for (const name of reads) needed.add(name)
    return true
  })
  const constants = new Map(graph.filter(({ field }) => field === constant).map((own) => [own, nameOf(own)]))
  const all = new Set([...known, ...constants.values()])
  const missing = [...given, ...outputs.map(({ name }) => name)].find((name) => !all.has(name))
  if (missing !== undefined) throw new Error(`it has no value "${missing}"`)
  const ends = new BinaryWriter()
  for (const spec of inputs) message(ends, input, () => encodeTensorSpec(ends, spec))
  for (const spec of outputs) message(ends, output, () => encodeTensorSpec(ends, spec))
  const used = kept.reverse().filter((own) => {
    const name = constants.get(own)
    return name === undefined || (needed.has(name) && !given.has(name))
  })
  return [...used.map(({ whole }) => whole), ends.finish()]
}

function valuesOf({ body }: Field): { reads: string[]; makes: string[] } {
  const parts = fieldsOf(body)
  const named = (field: number) => parts.filter((own) => own.field === field).map((own) => textOf(own.body))
  return { reads: named(fields.node.input), makes: named(fields.node.output) }
}

const nameOf = ({ body }: Field): string =>
  textOf(fieldsOf(body).find(({ field }) => field === fields.tensor.name)?.body)
