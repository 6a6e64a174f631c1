import { DataError } from "../core/errors.js"

/** What a pickle may hold: plain values, and what `Handlers` make of the few classes they allow. */
export type Pickled = unknown

export interface Handlers {
  /** The value for a class or function named in the pickle, such as `collections.OrderedDict`; undefined refuses it. */
  global(name: string): Pickled | undefined
  /** The value of calling one of those on arguments. */
  call(callee: Pickled, args: readonly Pickled[]): Pickled
  /** The value of a persistent id: PyTorch's storages. */
  persistent(id: Pickled): Pickled
  /** Gives what `call` made its attributes. */
  build(value: Pickled, state: Pickled): void
}

/**
 * Reads one pickle without executing anything: classes are looked up in `handlers` alone, and nothing else is called.
 * Dictionaries become `Map`s, tuples and lists arrays, bytes `Buffer`s. Python 2's strings, which may be either, become
 * texts of one character a byte.
 * @returns the value, and where the pickle ends
 * @throws DataError for a class that is not allowed, an opcode that is not known, or a pickle that is cut off
 */
export function unpickle(bytes: Uint8Array, start: number, handlers: Handlers): { value: Pickled; end: number } {
  const reader = new PickleReader(bytes, start, handlers)
  try {
    const value = reader.run()
    return { value, end: reader.at }
  } catch (error) {
    if (error instanceof RangeError) throw new DataError(`pickle: cut off at byte ${reader.at}`)
    throw error
  }
}

/** A value for a message: only texts are spelt out, the beginning of long ones; others may go on without end. */
export function spelt(value: Pickled): string {
  if (typeof value !== "string") return "a value that is no text"
  return JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}...` : value)
}

const MARK = Symbol("mark")

class PickleReader {
  at: number
  readonly #bytes: Buffer
  readonly #handlers: Handlers
  readonly #stack: Pickled[] = []
  readonly #memo = new Map<number, Pickled>()

  constructor(bytes: Uint8Array, start: number, handlers: Handlers) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.at = start
    this.#handlers = handlers
  }

  run(): Pickled {
    for (;;) {
      const opcode = this.#byte()
      if (opcode === 0x2e) return this.#pop()
      this.#step(opcode)
    }
  }

  #step(opcode: number): void {
    const stack = this.#stack
    switch (opcode) {
      case 0x80: // PROTO
        this.#byte()
        return
      case 0x95: // FRAME
        this.#take(8)
        return
      case 0x28: // MARK
        stack.push(MARK)
        return
      case 0x4e: // NONE
        stack.push(null)
        return
      case 0x88: // NEWTRUE
      case 0x89: // NEWFALSE
        stack.push(opcode === 0x88)
        return
      case 0x4b: // BININT1
        stack.push(this.#byte())
        return
      case 0x4d: // BININT2
        stack.push(this.#take(2).readUInt16LE())
        return
      case 0x4a: // BININT
        stack.push(this.#take(4).readInt32LE())
        return
      case 0x8a: // LONG1
        stack.push(long(this.#take(this.#byte())))
        return
      case 0x47: // BINFLOAT
        stack.push(this.#take(8).readDoubleBE())
        return
      case 0x8c: // SHORT_BINUNICODE
        stack.push(this.#text(this.#byte()))
        return
      case 0x58: // BINUNICODE
        stack.push(this.#text(this.#take(4).readUInt32LE()))
        return
      case 0x55: // SHORT_BINSTRING
        stack.push(this.#take(this.#byte()).toString("latin1"))
        return
      case 0x54: // BINSTRING
        stack.push(this.#take(this.#take(4).readUInt32LE()).toString("latin1"))
        return
      case 0x43: // SHORT_BINBYTES
        stack.push(this.#take(this.#byte()))
        return
      case 0x42: // BINBYTES
        stack.push(this.#take(this.#take(4).readUInt32LE()))
        return
      case 0x8e: // BINBYTES8
      case 0x96: // BYTEARRAY8
        stack.push(this.#take(Number(this.#take(8).readBigUInt64LE())))
        return
      case 0x71: // BINPUT
        this.#memo.set(this.#byte(), stack.at(-1))
        return
      case 0x72: // LONG_BINPUT
        this.#memo.set(this.#take(4).readUInt32LE(), stack.at(-1))
        return
      case 0x94: // MEMOIZE
        this.#memo.set(this.#memo.size, stack.at(-1))
        return
      case 0x68: // BINGET
        stack.push(this.#recall(this.#byte()))
        return
      case 0x6a: // LONG_BINGET
        stack.push(this.#recall(this.#take(4).readUInt32LE()))
        return
      default:
        this.#build(opcode)
    }
  }

  /** The opcodes that make or fill containers, and those that name classes. */
  #build(opcode: number): void {
    const stack = this.#stack
    switch (opcode) {
      case 0x7d: // EMPTY_DICT
        stack.push(new Map())
        return
      case 0x5d: // EMPTY_LIST
      case 0x29: // EMPTY_TUPLE
        stack.push([])
        return
      case 0x74: // TUPLE
        stack.push(this.#toMark())
        return
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        stack.push(Array.from({ length: opcode - 0x84 }, () => this.#pop()).reverse())
        return
      case 0x61: // APPEND
        this.#append([this.#pop()])
        return
      case 0x65: // APPENDS
        this.#append(this.#toMark())
        return
      case 0x73: // SETITEM
        this.#setItems([this.#pop(), this.#pop()].reverse())
        return
      case 0x75: // SETITEMS
        this.#setItems(this.#toMark())
        return
      case 0x63: // GLOBAL
        stack.push(this.#global(`${this.#line()}.${this.#line()}`))
        return
      case 0x93: {
        // STACK_GLOBAL
        const [name, module] = [this.#pop(), this.#pop()]
        if (typeof name !== "string" || typeof module !== "string") throw this.#broken("a class without a name")
        stack.push(this.#global(`${module}.${name}`))
        return
      }
      case 0x52: {
        // REDUCE
        const args = this.#pop()
        const callee = this.#pop()
        if (!Array.isArray(args)) throw this.#broken("a call without arguments")
        stack.push(this.#handlers.call(callee, args))
        return
      }
      case 0x62: {
        // BUILD
        const state = this.#pop()
        this.#handlers.build(stack.at(-1), state)
        return
      }
      case 0x51: // BINPERSID
        stack.push(this.#handlers.persistent(this.#pop()))
        return
      default:
        throw this.#broken(`opcode 0x${opcode.toString(16)}, which weights do not need`)
    }
  }

  #global(name: string): Pickled {
    const value = this.#handlers.global(name)
    if (value === undefined) throw new DataError(`pickle: names ${spelt(name)}, which is refused`)
    return value
  }

  #append(values: Pickled[]): void {
    const list = this.#stack.at(-1)
    if (!Array.isArray(list)) throw this.#broken("an append without a list")
    for (const value of values) list.push(value)
  }

  #setItems(values: Pickled[]): void {
    const map = this.#stack.at(-1)
    if (!(map instanceof Map)) throw this.#broken("an item without a dictionary")
    for (let at = 0; at + 1 < values.length; at += 2) map.set(values[at], values[at + 1])
  }

  #toMark(): Pickled[] {
    const mark = this.#stack.lastIndexOf(MARK)
    if (mark < 0) throw this.#broken("no mark")
    const values = this.#stack.splice(mark)
    return values.slice(1)
  }

  #pop(): Pickled {
    if (this.#stack.length === 0 || this.#stack.at(-1) === MARK) throw this.#broken("an empty stack")
    return this.#stack.pop()
  }

  #recall(key: number): Pickled {
    if (!this.#memo.has(key)) throw this.#broken(`no memo ${key}`)
    return this.#memo.get(key)
  }

  #broken(what: string): DataError {
    return new DataError(`pickle: broken at byte ${this.at}: ${what}`)
  }

  #byte(): number {
    return this.#take(1)[0]!
  }

  #take(count: number): Buffer {
    if (this.at + count > this.#bytes.length) throw new RangeError("cut off")
    this.at += count
    return this.#bytes.subarray(this.at - count, this.at)
  }

  #text(length: number): string {
    return this.#take(length).toString("utf8")
  }

  #line(): string {
    const end = this.#bytes.indexOf(10, this.at)
    if (end < 0) throw new RangeError("cut off")
    const text = this.#text(end - this.at)
    this.at = end + 1
    return text
  }
}

/** Little-endian two's complement; exact up to 2^53. */
function long(bytes: Buffer): number {
  let value = 0n
  for (let at = bytes.length - 1; at >= 0; at--) value = (value << 8n) | BigInt(bytes[at]!)
  return Number(BigInt.asIntN(8 * bytes.length, value))
}
