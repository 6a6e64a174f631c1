import { appendFileSync } from "node:fs"
import { hostname } from "node:os"
import { dirname, join } from "node:path"
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire"
import { makeFolder } from "../core/write-whole.js"

/** Fields of TensorFlow's `Event`, `Summary` and `Summary.Value`. @source tensorflow event.proto, summary.proto */
const EVENT = { wallTime: 1, step: 2, fileVersion: 3, summary: 5 } as const
const SUMMARY_VALUE = 1
const VALUE = { tag: 1, simpleValue: 2 } as const

/**
 * A file of TensorBoard's: scalars by name and step. Each process begins its own beside those before; TensorBoard leaves out
 * what an earlier one has of steps that a later one repeats.
 */
export class EventFile {
  readonly path: string
  readonly #now: () => number

  /** @param now seconds since 1970 @throws UserError where the folder is a link: nothing is written through it */
  constructor(folder: string, now = () => Date.now() / 1000) {
    this.#now = now
    makeFolder(folder, dirname(folder))
    this.path = join(folder, `events.out.tfevents.${Math.floor(now())}.${hostname()}.${process.pid}.v2`)
    appendFileSync(
      this.path,
      framed(this.#event(0).tag(EVENT.fileVersion, WireType.LengthDelimited).string("brain.Event:2").finish()),
    )
  }

  /** Adds the values of a step; those that are not finite are left out. */
  scalars(step: number, values: Readonly<Record<string, number>>): void {
    const summary = new BinaryWriter()
    const finite = Object.entries(values).filter(([, value]) => Number.isFinite(value))
    if (finite.length === 0) return
    for (const [name, value] of finite) {
      const one = new BinaryWriter()
      one.tag(VALUE.tag, WireType.LengthDelimited).string(name)
      one.tag(VALUE.simpleValue, WireType.Bit32).float(value)
      summary.tag(SUMMARY_VALUE, WireType.LengthDelimited).bytes(one.finish())
    }
    const event = this.#event(step).tag(EVENT.summary, WireType.LengthDelimited).bytes(summary.finish())
    appendFileSync(this.path, framed(event.finish()))
  }

  #event(step: number): BinaryWriter {
    const event = new BinaryWriter().tag(EVENT.wallTime, WireType.Bit64).double(this.#now())
    return step === 0 ? event : event.tag(EVENT.step, WireType.Varint).int64(step)
  }
}

/** A record of a TFRecord file: its length and content, each with its checksum. @source tensorflow record_writer.cc */
function framed(content: Uint8Array): Uint8Array {
  const record = Buffer.alloc(16 + content.length)
  record.writeBigUInt64LE(BigInt(content.length), 0)
  record.writeUInt32LE(masked(crc32c(record.subarray(0, 8))), 8)
  record.set(content, 12)
  record.writeUInt32LE(masked(crc32c(content)), 12 + content.length)
  return record
}

/** @source tensorflow/core/lib/hash/crc32c.h Mask */
const masked = (crc: number) => (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  return crc
})

/** CRC-32C (Castagnoli). @source RFC 3720, appendix B.4 */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) crc = table[(crc ^ byte) & 255]! ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}
