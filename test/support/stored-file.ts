import { Checkpoint } from "../../src/weights/checkpoint.js"
import { OpenFile } from "../../src/weights/open-file.js"
import { readSafetensors } from "../../src/weights/safetensors.js"
import { readTorchFile } from "../../src/weights/torch-file.js"

/** A safetensors file's metadata and tensors as they are stored. */
export function storedFile(path: string) {
  using file = new OpenFile(path)
  const { metadata, tensors } = readSafetensors(file)
  const read = (name: string) => {
    using file = new OpenFile(path)
    return readSafetensors(file).tensors.get(name)!.read()
  }
  return { metadata, tensors, read }
}

/** A PyTorch file's tensors as they are stored, once it can be opened as a checkpoint. */
export function torchTensors(path: string) {
  Checkpoint.open(path).close()
  using file = new OpenFile(path)
  return [...readTorchFile(file).tensors].map(
    ([name, tensor]) => [name, { shape: tensor.shape, values: tensor.read() }] as const,
  )
}
