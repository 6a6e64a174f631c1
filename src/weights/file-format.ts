import { DataError } from "../core/errors.js"
import type { OpenFile } from "./open-file.js"
import { isSafetensors } from "./safetensors.js"
import { isLegacyTorch, isZip } from "./torch-file.js"

/** How tensors lie in a file. */
export type FileFormat = "safetensors" | "torch" | "numpy"

/** Beginnings of files that are taken for weights and are none that can be read, with what they are. */
const others: readonly (readonly [string, string])[] = [
  ["\x89HDF", "an HDF5 file (.h5, .keras), which is not read. Save the weights as safetensors"],
  ["\x1f\x8b", "compressed by gzip. Unpack it first"],
  ["BZh", "compressed by bzip2. Unpack it first"],
  ["\xfd7zXZ", "compressed by xz. Unpack it first"],
  ["\x28\xb5\x2f\xfd", "compressed by zstd. Unpack it first"],
  ["\x93NUMPY", "one numpy array (.npy), which is not read. Save the weights as safetensors"],
  ["TFL3", "a TensorFlow Lite model, which is not read"],
  ["GGUF", "a GGUF file, which is not read"],
  ['{"metadata"', "a list of the files that weights are spread over. Give the files one by one, or join them"],
  ["{", "a JSON file, not weights"],
  ["version https://git-lfs", "a pointer of Git LFS, not the file itself. Fetch it with git lfs pull"],
  ["<!doctype", "a web page, not weights. Download the file itself"],
  ["<html", "a web page, not weights. Download the file itself"],
]

/** Protocols 2 to 5 of pickles say so at once; those before begin a dictionary. */
const pickles = ["\x80\x02", "\x80\x03", "\x80\x04", "\x80\x05", "(dp", "(d", "}q", "ccollections"]

/** Whether a file is an ONNX graph: a version of the format (field 1), then a field of ModelProto with a length: who made it, or the graph. */
export function isOnnx(file: OpenFile): boolean {
  if (file.size < 3) return false
  const [first, version, next] = file.read(0, 3) as unknown as [number, number, number]
  return first === 0x08 && version >= 1 && version <= 20 && [0x12, 0x1a, 0x22, 0x32, 0x3a, 0x42].includes(next)
}

const isTar = (file: OpenFile): boolean => file.size >= 512 && file.read(257, 5).toString("latin1") === "ustar"

/**
 * The kind of a weights file, by how it begins.
 * @throws DataError for another file, with what it is where that can be told
 */
export function formatOf(file: OpenFile): FileFormat {
  if (isZip(file) || isLegacyTorch(file)) return "torch"
  if (isSafetensors(file)) return "safetensors"
  const start = file.read(0, Math.min(file.size, 64)).toString("latin1")
  const [, what] =
    others.find(([beginning]) => start.trimStart().toLowerCase().startsWith(beginning.toLowerCase())) ?? []
  if (what !== undefined) throw new DataError(what)
  if (isOnnx(file)) throw new DataError("an ONNX graph. Weights are read from what it was exported from")
  if (isTar(file)) throw new DataError("a tar archive. Unpack it first")
  if (pickles.some((beginning) => start.startsWith(beginning))) return "numpy"
  // What says by its name what it should be is told what it lacks.
  if (/\.(pth|pt|th)$/i.test(file.path)) return "torch"
  if (/\.safetensors$/i.test(file.path)) return "safetensors"
  throw new DataError("not a weights file: expected safetensors, PyTorch's (.pth) or a pickle of numpy arrays (.pkl)")
}
