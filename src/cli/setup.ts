import type { Command } from "commander"

interface SetupFlags {
  readonly libtensorflow?: string
  readonly gpu?: true
  readonly cpu?: true
  readonly cache?: string
  readonly strict?: true
}

/** `resdet setup`: native TensorFlow in one command. */
export function configure(command: Command): void {
  command
    .description("get native TensorFlow, once a machine; without it everything runs on WebAssembly, slower")
    .option(
      "--libtensorflow <path>",
      "a TensorFlow wheel, or a folder with include/ and the libraries, you already have",
    )
    .option("--gpu", "the CUDA build (default: where an NVIDIA driver is loaded)")
    .option("--cpu", "the CPU build")
    .option("--cache <folder>", "where to keep it (default: RESDET_CACHE or the user's cache folder)")
    .option("--strict", "exit 1 also on machines for which there is no native TensorFlow, such as macOS and Windows")
    .addHelpText(
      "after",
      "\nExit codes: 0 native TensorFlow works, or WebAssembly where there is no other · 1 it could not be set up",
    )
    .action(setup)
}

async function setup(flags: SetupFlags): Promise<void> {
  const { setUpNative, whyUnsupported } = await import("../setup/setup.js")
  const { startEngine } = await import("../engine/start.js")
  const { checkEngine } = await import("../setup/self-check.js")
  const { UsageError, UserError } = await import("../tensor/errors.js")
  if (flags.gpu && flags.cpu) throw new UsageError("setup: expected --gpu or --cpu, got both. Leave one out")
  if (flags.cache) process.env.RESDET_CACHE = flags.cache
  const tell = (line: string) => console.error(line)
  const device = flags.gpu ? "gpu" : flags.cpu ? "cpu" : undefined
  const prove = async (engine: string) => {
    const checks = await checkEngine()
    for (const { name, passed } of checks) tell(`${passed ? "ok   " : "WRONG"} ${name}`)
    if (checks.some(({ passed }) => !passed)) throw new UserError(`the ${engine} engine gives wrong values`)
  }
  try {
    const { folder, manifest } = await setUpNative({
      ...(flags.libtensorflow && { libtensorflow: flags.libtensorflow }),
      ...(device && { device }),
      onProgress: tell,
    })
    await startEngine("tensorflow")
    await prove("native")
    console.log(`native TensorFlow ${manifest.libtensorflow} (${manifest.device}) works: ${folder}`)
  } catch (error) {
    if (!(error instanceof UserError) || flags.strict || flags.libtensorflow) throw error
    await startEngine("wasm")
    await prove("WebAssembly")
    console.log("WebAssembly works: everything runs on it, several times slower")
    const reason = `no native TensorFlow: ${error.message}`
    if (whyUnsupported() === undefined) throw new UserError(reason)
    tell(reason)
  }
}
