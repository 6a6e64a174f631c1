import { DataError } from "../core/errors.js"
import { ByteCursor } from "./byte-cursor.js"
import { pickledConstant } from "./pickled-constant.js"

/** What a pickle may hold: plain values, and what `Handlers` make of the classes they know. */
export type Pickled = unknown

/** A class or a function that a pickle names. It is a name and no more: nothing of that name is ever looked up. */
export class PickledName {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

/** What a class or function makes that `Handlers` do not know: a value without content, which does nothing. */
export class Inert extends PickledName {}

export interface Handlers {
  /** The value of calling what is named so on arguments; undefined where it is not known: it becomes `Inert`. */
  call(name: string, args: readonly Pickled[]): Pickled | undefined
  /** The value of a persistent id: PyTorch's storages. */
  persistent(id: Pickled): Pickled
  /** Gives what `call` made its attributes. */
  build(value: Pickled, state: Pickled): void
}

/**
 * Reads one pickle of protocol 0 to 5 without executing anything: classes and functions are names, and what they would make
 * is `Inert` unless `handlers` know it. Dictionaries become `Map`s, tuples, lists and sets arrays, bytes `Buffer`s. Python
 * 2's strings, which may be either, become texts of one character a byte.
 * @returns the value, and where the pickle ends
 * @throws DataError for an opcode that is not known, or a pickle that is broken or cut off
 */
export function unpickle(bytes: Uint8Array, start: number, handlers: Handlers): { value: Pickled; end: number } {
  const cursor = new ByteCursor(bytes, start)
  try {
    const value = new PickleReader(cursor, handlers).run()
    return { value, end: cursor.at }
  } catch (error) {
    if (error instanceof RangeError) throw new DataError(`pickle: cut off at byte ${cursor.at}`)
    throw error
  }
}

const MARK = Symbol("mark")

class PickleReader {
  readonly #cursor: ByteCursor
  readonly #handlers: Handlers
  readonly #stack: Pickled[] = []
  /** Places of the marks on the stack. */
  readonly #marks: number[] = []
  readonly #memo = new Map<number, Pickled>()

  constructor(cursor: ByteCursor, handlers: Handlers) {
    this.#cursor = cursor
    this.#handlers = handlers
  }

  run(): Pickled {
    for (;;) {
      const opcode = this.#cursor.byte()
      if (opcode === 0x2e) return this.#pop()
      const constant = pickledConstant(opcode, this.#cursor)
      if (constant !== undefined) this.#push(constant)
      else if (!(this.#arrange(opcode) || this.#contain(opcode) || this.#object(opcode))) {
        throw this.#broken(`opcode 0x${opcode.toString(16)}, which is not known`)
      }
    }
  }

  /** Opcodes that move what is there: protocol and frame, marks, the stack, the memo. */
  #arrange(opcode: number): boolean {
    const [cursor, stack] = [this.#cursor, this.#stack]
    switch (opcode) {
      case 0x80: // PROTO
        cursor.byte()
        return true
      case 0x95: // FRAME
        cursor.take(8)
        return true
      case 0x28: // MARK
        this.#marks.push(stack.length)
        return this.#push(MARK)
      case 0x30: // POP
        if (stack.length === 0) throw this.#broken("an empty stack")
        if (stack.pop() === MARK) this.#marks.pop()
        return true
      case 0x31: // POP_MARK
        this.#toMark()
        return true
      case 0x32: // DUP
        return this.#push(this.#top())
      case 0x71: // BINPUT
        return this.#remember(cursor.byte())
      case 0x72: // LONG_BINPUT
        return this.#remember(cursor.length(4))
      case 0x70: // PUT
        return this.#remember(Number(cursor.line()))
      case 0x94: // MEMOIZE
        return this.#remember(this.#memo.size)
      case 0x68: // BINGET
        return this.#push(this.#recall(cursor.byte()))
      case 0x6a: // LONG_BINGET
        return this.#push(this.#recall(cursor.length(4)))
      case 0x67: // GET
        return this.#push(this.#recall(Number(cursor.line())))
      default:
        return false
    }
  }

  /** Opcodes that make or fill containers. */
  #contain(opcode: number): boolean {
    switch (opcode) {
      case 0x7d: // EMPTY_DICT
        return this.#push(new Map())
      case 0x5d: // EMPTY_LIST
      case 0x29: // EMPTY_TUPLE
      case 0x8f: // EMPTY_SET
        return this.#push([])
      case 0x74: // TUPLE
      case 0x6c: // LIST
      case 0x91: // FROZENSET
        return this.#push(this.#toMark())
      case 0x64: {
        // DICT
        const items = this.#toMark()
        this.#push(new Map())
        return this.#setItems(items)
      }
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        return this.#push(Array.from({ length: opcode - 0x84 }, () => this.#pop()).reverse())
      case 0x61: // APPEND
        return this.#append([this.#pop()])
      case 0x65: // APPENDS
      case 0x90: // ADDITEMS
        return this.#append(this.#toMark())
      case 0x73: // SETITEM
        return this.#setItems([this.#pop(), this.#pop()].reverse())
      case 0x75: // SETITEMS
        return this.#setItems(this.#toMark())
      default:
        return false
    }
  }

  /** Opcodes that name classes, and those that would make objects of them. */
  #object(opcode: number): boolean {
    const cursor = this.#cursor
    switch (opcode) {
      case 0x63: // GLOBAL
        return this.#push(new PickledName(`${cursor.line()}.${cursor.line()}`))
      case 0x93: {
        // STACK_GLOBAL
        const [name, module] = [this.#pop(), this.#pop()]
        if (typeof name !== "string" || typeof module !== "string") throw this.#broken("a class without a name")
        return this.#push(new PickledName(`${module}.${name}`))
      }
      case 0x52: // REDUCE
      case 0x81: {
        // NEWOBJ
        const args = this.#pop()
        return this.#push(this.#call(this.#pop(), args))
      }
      case 0x92: {
        // NEWOBJ_EX, with arguments by name
        this.#pop()
        const args = this.#pop()
        return this.#push(this.#call(this.#pop(), args))
      }
      case 0x69: {
        // INST
        const name = new PickledName(`${cursor.line()}.${cursor.line()}`)
        return this.#push(this.#call(name, this.#toMark()))
      }
      case 0x6f: {
        // OBJ
        const [name, ...args] = this.#toMark()
        return this.#push(this.#call(name, args))
      }
      case 0x62: {
        // BUILD
        const state = this.#pop()
        this.#handlers.build(this.#top(), state)
        return true
      }
      case 0x51: // BINPERSID
        return this.#push(this.#handlers.persistent(this.#pop()))
      case 0x50: // PERSID
        return this.#push(this.#handlers.persistent(cursor.line()))
      default:
        return false
    }
  }

  #call(callee: Pickled, args: Pickled): Pickled {
    if (!(callee instanceof PickledName)) throw this.#broken("a call of what is no class or function")
    if (!Array.isArray(args)) throw this.#broken("a call without arguments")
    if (callee instanceof Inert) return callee
    return this.#handlers.call(callee.name, args) ?? new Inert(callee.name)
  }

  #push(value: Pickled): true {
    this.#stack.push(value)
    return true
  }

  #append(values: Pickled[]): true {
    const list = this.#top()
    if (Array.isArray(list)) for (const value of values) list.push(value)
    else if (!(list instanceof Inert)) throw this.#broken("an append without a list")
    return true
  }

  #setItems(values: Pickled[]): true {
    const map = this.#top()
    if (map instanceof Map) {
      for (let at = 0; at + 1 < values.length; at += 2) map.set(values[at], values[at + 1])
    } else if (!(map instanceof Inert)) throw this.#broken("an item without a dictionary")
    return true
  }

  #toMark(): Pickled[] {
    const mark = this.#marks.pop() ?? this.#fail("no mark")
    return this.#stack.splice(mark).slice(1)
  }

  #top(): Pickled {
    const top = this.#stack.at(-1)
    if (this.#stack.length === 0 || top === MARK) throw this.#broken("an empty stack")
    return top
  }

  #pop(): Pickled {
    const top = this.#top()
    this.#stack.pop()
    return top
  }

  #remember(key: number): true {
    this.#memo.set(key, this.#top())
    return true
  }

  #recall(key: number): Pickled {
    if (!this.#memo.has(key)) throw this.#broken(`no memo ${key}`)
    return this.#memo.get(key)
  }

  #fail(what: string): never {
    throw this.#broken(what)
  }

  #broken(what: string): DataError {
    return new DataError(`pickle: broken at byte ${this.#cursor.at}: ${what}`)
  }
}
