import { setUpSchema } from "../tasks/options/set-up.js"
import { defineCommand } from "./command.js"
import { nextLine } from "./next-command.js"

export const command = defineCommand({
  schema: setUpSchema,
  description:
    "get native TensorFlow and ONNX Runtime for this machine, once; without them everything runs on WebAssembly, slower. Exit codes: 0 native " +
    "TensorFlow works, or WebAssembly where there is no other; 1 it could not be set up",
  async run(options, { hooks }) {
    const { setUp } = await import("../tasks/set-up.js")
    const result = await setUp(options, hooks)
    const found = result.onnxruntime === null ? "" : `\nONNX Runtime ${result.onnxruntime} works: detection runs on it`
    const text =
      result.engine === "wasm"
        ? "WebAssembly works: everything runs on it, several times slower"
        : `native TensorFlow ${result.libtensorflow} (${result.device}) works: ${result.folder}`
    return { text: text + found, summary: [nextLine("quickstart")], document: result }
  },
})
