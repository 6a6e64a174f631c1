import { BinaryWriter } from "@bufbuild/protobuf/wire"

/** How a task is called among those of a cluster. */
export const taskName = (rank: number): string => `/job:worker/replica:0/task:${rank}`

/** How long tasks wait for one another; milliseconds. */
export interface ClusterTimes {
  /** For all to come, at the start. */
  readonly joinMs: number
  /** Without a sign of life, later. */
  readonly silentMs: number
}

/**
 * TensorFlow's `ServerDef`: who the tasks are, which one this is, and that their coordination service looks after them.
 * @param addresses `host:port` of each task
 * @source tensorflow/core/protobuf/{tensorflow_server,cluster,config,coordination_config}.proto, by the numbers of their fields
 */
export function serverDef(addresses: readonly string[], rank: number, { joinMs, silentMs }: ClusterTimes): Uint8Array {
  const job = "worker"
  const leader = taskName(0)
  const cluster = [part(1, [text(1, job), ...addresses.map((address, i) => part(2, [number(1, i), text(2, address)]))])]
  const coordination = [
    ...[text(1, "standalone"), text(2, leader)],
    ...[number(3, 1), number(4, joinMs), number(5, silentMs)],
    // No barrier at the end: those that are left would wait for one that has died.
    part(10, [text(1, job), number(2, addresses.length)]),
  ]
  const config = [part(16, [text(1, leader), part(23, coordination)])]
  const port = Number(addresses[rank]!.split(":").at(-1))
  return message([part(1, cluster), text(2, job), number(3, rank), part(4, config), text(5, "grpc"), number(6, port)])
}

type Field = (writer: BinaryWriter) => void

function message(fields: readonly Field[]): Uint8Array {
  const writer = new BinaryWriter()
  for (const field of fields) field(writer)
  return writer.finish()
}

const part = (field: number, fields: readonly Field[]): Field => {
  return (writer) => void writer.tag(field, 2).bytes(message(fields))
}
const text = (field: number, value: string): Field => {
  return (writer) => void writer.tag(field, 2).string(value)
}
const number = (field: number, value: number): Field => {
  return (writer) => void writer.tag(field, 0).int64(value)
}
