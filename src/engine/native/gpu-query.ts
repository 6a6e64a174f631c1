/** The driver's program that tells about GPUs. */
export const nvidiaSmi = "nvidia-smi"

/**
 * What `nvidia-smi` is asked for, of the first GPU that this process may see.
 * @param fields as its `--help-query-gpu` names them
 */
export function gpuQuery(fields: string, environment: NodeJS.ProcessEnv = process.env): string[] {
  const [id = "0"] = (environment.CUDA_VISIBLE_DEVICES || "0").split(",")
  return [`--id=${id}`, `--query-gpu=${fields}`, "--format=csv,noheader,nounits"]
}
