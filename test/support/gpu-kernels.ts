import { readFileSync } from "node:fs"

/** Which operations of TensorFlow have kernels for GPUs: see scripts/golden-gpu-kernels.py. */
interface GpuKernels {
  readonly operations: Readonly<Record<string, readonly GpuKernel[]>>
}

interface GpuKernel {
  /** Types by attribute; an attribute that is not named may be anything. */
  readonly types: Readonly<Record<string, readonly string[]>>
  /** Arguments and results that it has in the host's memory. */
  readonly host?: readonly string[]
}

const { operations } = JSON.parse(
  readFileSync(new URL("../golden/gpu-kernels.json", import.meta.url), "utf8"),
) as GpuKernels

/** The kernel that a GPU has for an operation, such as `MatMul T=float32`; as `Traffic` writes it. */
export function gpuKernel(typed: string): GpuKernel | undefined {
  const [name = "", ...attributes] = typed.split(" ")
  const wanted = attributes.map((attribute) => attribute.split("=") as [string, string])
  const fits = ({ types }: GpuKernel) => wanted.every(([key, type]) => types[key]?.includes(type) ?? true)
  return operations[name]?.find(fits)
}
