/**
 * Loaded by `node --import` before a command: counts what the command does to the files below a folder, and kills it or fills its
 * disk at one of these operations. Environment:
 * `FAULTY_FOLDER`, absolute; `FAULTY_LOG`, a file that gets a line an operation; `FAULTY_AT`, such as `kill-before 17`, `kill-within
 * 17` (half of it is done), `full-once 17` and `full-from 17`.
 */
import fs from "node:fs"
import { syncBuiltinESMExports } from "node:module"
import { join, resolve, sep } from "node:path"
import { isMainThread } from "node:worker_threads"

// biome-ignore lint/suspicious/noExplicitAny: calls of the file system are handed on as they come
type Call = (...args: any[]) => any

interface Operation {
  /** What the call writes to, where that is not its first argument's path. */
  readonly target?: (args: readonly unknown[]) => unknown
  /** Does half of it, where it can be half done, by the call of that name that waits. */
  readonly half?: (original: Call, args: readonly unknown[]) => unknown
  readonly needsSpace?: boolean
  readonly counts?: (args: readonly unknown[]) => boolean
}

const { O_WRONLY, O_RDWR, O_CREAT } = fs.constants
const folder = resolve(process.env.FAULTY_FOLDER ?? "")
const [kind, at] = (process.env.FAULTY_AT ?? " ").split(" ") as [string, string]
const append = fs.appendFileSync
const opened = new Map<number, string>()
let count = 0
let isInside = false

const writes = ([, flags]: readonly unknown[]) =>
  typeof flags === "number" ? (flags & (O_WRONLY | O_RDWR | O_CREAT)) !== 0 : flags !== undefined && flags !== "r"
const second = (args: readonly unknown[]) => args[1]
const halfOf = (content: unknown): Uint8Array => {
  const bytes = typeof content === "string" ? Buffer.from(content) : (content as Uint8Array)
  return bytes.subarray(0, bytes.length >> 1)
}
const halfText = (original: Call, [path, content, ...rest]: readonly unknown[]) =>
  original(path, halfOf(content), ...rest)
const halfFolder = (original: Call, [path]: readonly unknown[]) => {
  if (!fs.statSync(String(path), { throwIfNoEntry: false })?.isDirectory()) return
  const names = fs.readdirSync(String(path))
  for (const name of names.slice(0, names.length >> 1)) original(join(String(path), name), { recursive: true })
}
const halfCopy = (_: Call, [from, to]: readonly unknown[]) => {
  const bytes = fs.readFileSync(String(from))
  fs.writeFileSync(String(to), bytes.subarray(0, bytes.length >> 1))
}

const both: Readonly<Record<string, Operation>> = {
  appendFile: { half: halfText, needsSpace: true },
  writeFile: { half: halfText, needsSpace: true },
  mkdir: { needsSpace: true },
  copyFile: { target: second, half: halfCopy, needsSpace: true },
  rename: { target: second },
  rm: { half: halfFolder },
  truncate: {},
  link: { target: second, needsSpace: true },
}
const onFiles: Readonly<Record<string, Operation>> = {
  openSync: { counts: writes, needsSpace: true },
  writeSync: {
    target: ([file]) => opened.get(file as number),
    half: (original, [file, content]) => original(file, halfOf(content)),
    needsSpace: true,
  },
  fsyncSync: { target: ([file]) => opened.get(file as number), needsSpace: true },
}

if (isMainThread && process.env.FAULTY_FOLDER !== undefined) {
  for (const [name, operation] of Object.entries(both)) {
    const waits = callsOf(fs)[`${name}Sync`]!
    replace(fs, `${name}Sync`, operation, waits)
    const counted = replace(fs.promises, name, operation, waits)
    callsOf(fs.promises)[name] = async (...args) => counted(...args)
  }
  for (const [name, operation] of Object.entries(onFiles)) replace(fs, name, operation, callsOf(fs)[name]!)
  syncBuiltinESMExports()
}

function callsOf(owner: object): Record<string, Call> {
  return owner as Record<string, Call>
}

function replace(owner: object, name: string, operation: Operation, waits: Call): Call {
  const calls = callsOf(owner)
  const original = calls[name]!
  const counted: Call = (...args) => {
    const target = operation.target ? operation.target(args) : args[0]
    // Node's own calls use one another.
    if (isInside || !isBelow(target) || operation.counts?.(args) === false) return original(...args)
    isInside = true
    try {
      before(name, operation, waits, args, String(target))
      const result = original(...args)
      if (name === "openSync") opened.set(result as number, String(target))
      return result
    } finally {
      isInside = false
    }
  }
  calls[name] = counted
  return counted
}

function before(name: string, { half, needsSpace }: Operation, waits: Call, args: unknown[], target: string): void {
  count++
  const { FAULTY_LOG } = process.env
  if (FAULTY_LOG) {
    const can = [half && "half", needsSpace && "space"].filter(Boolean).join(",")
    append(FAULTY_LOG, `${count} ${name} ${resolve(target).slice(folder.length + 1)} ${can}\n`)
  }
  if (count === Number(at)) {
    if (kind === "kill-within") half?.(waits, args)
    if (kind.startsWith("kill")) die()
  }
  if (!needsSpace) return
  if (kind === "full-once" ? count !== Number(at) : kind !== "full-from" || count < Number(at)) return
  half?.(waits, args)
  const call = name.replace("Sync", "")
  throw Object.assign(new Error(`ENOSPC: no space left on device, ${call}`), { code: "ENOSPC", syscall: call })
}

function isBelow(target: unknown): boolean {
  return typeof target === "string" && `${resolve(target)}${sep}`.startsWith(`${folder}${sep}`)
}

/** As the system would: nothing of ours runs after it. */
function die(): never {
  process.kill(process.pid, "SIGKILL")
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}
