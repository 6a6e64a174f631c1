import { setUpSchema } from "../tasks/options/set-up.js"
import { defineCommand } from "./command.js"

export const command = defineCommand({
  schema: setUpSchema,
  description:
    "get native TensorFlow, once per machine; without it everything runs on WebAssembly, slower. Exit codes: 0 native " +
    "TensorFlow works, or WebAssembly where there is no other; 1 it could not be set up",
  async run(options, { hooks }) {
    const { setUp } = await import("../tasks/set-up.js")
    const result = await setUp(options, hooks)
    const text =
      result.engine === "wasm"
        ? "WebAssembly works: everything runs on it, several times slower"
        : `native TensorFlow ${result.libtensorflow} (${result.device}) works: ${result.folder}`
    return { text, document: result }
  },
})
