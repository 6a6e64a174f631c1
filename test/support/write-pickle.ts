import { closeSync, openSync, writeSync } from "node:fs"

const global = (module: string, name: string) => Buffer.from(`c${module}\n${name}\n`, "latin1")
const text = (value: string) => Buffer.concat([Buffer.from("X"), uint32(Buffer.byteLength(value)), Buffer.from(value)])
const uint32 = (value: number) => Buffer.from(Uint32Array.of(value).buffer)
const int = (value: number) => Buffer.concat([Buffer.from("J"), Buffer.from(Int32Array.of(value).buffer)])
const code = (opcodes: string) => Buffer.from(opcodes, "latin1")

/** A float32 array as numpy pickles it, by protocol 3. */
function array(shape: readonly number[], values: Float32Array): Buffer[] {
  return [
    global("numpy.core.multiarray", "_reconstruct"),
    ...[global("numpy", "ndarray"), int(0), code("\x85"), code("C\x01b"), code("\x87R")],
    ...[code("("), int(1), code("("), ...shape.map(int), code("t")],
    ...[global("numpy", "dtype"), text("f4"), int(0), int(1), code("\x87R")],
    ...[code("("), int(3), text("<"), code("NNN"), int(-1), int(-1), int(0), code("tb")],
    ...[code("\x89B"), uint32(values.byteLength), Buffer.from(values.buffer, values.byteOffset, values.byteLength)],
    code("tb"),
  ]
}

/**
 * Writes a pickled dictionary of texts, and one of float32 arrays under `table`, as detectron2 and Detectron do.
 * @param tensors made one by one, so that few are in memory
 */
export function writePickle(
  path: string,
  table: string,
  tensors: Iterable<readonly [name: string, shape: readonly number[], values: Float32Array]>,
  texts: Readonly<Record<string, string>> = {},
): void {
  const file = openSync(path, "w")
  const put = (...parts: readonly Buffer[]) => {
    for (const part of parts) writeSync(file, part)
  }
  try {
    put(code("\x80\x03}("), text(table), code("}("))
    for (const [name, shape, values] of tensors) put(text(name), ...array(shape, values))
    put(code("u"), ...Object.entries(texts).flatMap(([key, value]) => [text(key), text(value)]), code("u."))
  } finally {
    closeSync(file)
  }
}
