// `node test/support/dummy-cli.mjs <command>` is the built command line with commands made for tests.
import { readFileSync } from "node:fs"
import { z } from "zod"
import { detectCommand } from "../../dist/src/cli/detect.js"
import { main } from "../../dist/src/cli/main.js"
import { BelowMinimumError, interruption } from "../../dist/src/cli/exit.js"
import { defineCommand } from "../../dist/src/cli/command.js"
import { DataError, UserError } from "../../dist/src/core/errors.js"

const failures = {
  user: () => new UserError("a.png: no such class"),
  data: () => new DataError("b.xml: broken"),
  low: () => new BelowMinimumError("mAP 0.1 is below 0.5"),
  full: () => Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC", syscall: "write" }),
  memory: () => new RangeError("WebAssembly.Instance(): Out of memory: Cannot allocate Wasm memory for new instance"),
  length: () => new RangeError("Invalid typed array length: 300000000000"),
  bug: () => new TypeError("x is not a function"),
}

/** A "photo" is a file that says `ok`; the network takes 50 ms over each. */
const detectParts = {
  decode: async (file) => {
    if (readFileSync(file, "utf8") !== "ok") throw new DataError("not an image")
    return { width: 1, height: 1, data: new Uint8Array(3) }
  },
  openNetwork: async () => ({
    classes: ["dog"],
    detect: async () => {
      await new Promise((resolve) => setTimeout(resolve, 50))
      return { boxes: Float32Array.of(0, 0, 1, 1), scores: Float32Array.of(0.9), labels: Int32Array.of(1) }
    },
    dispose() {},
  }),
  draw: async () => new Uint8Array(1),
  encode: async () => new Uint8Array(1),
}

const table = [
  {
    name: "detect",
    summary: "detects with a dummy network",
    load: async () => detectCommand(detectParts),
  },
  {
    name: "fail",
    summary: "fails in one of several ways",
    load: async () => ({
      configure: (command) =>
        command.argument("<how>").option("--epochs <n>").action((how) => {
          throw failures[how]()
        }),
    }),
  },
  {
    name: "wait",
    summary: "works until it is interrupted",
    load: async () => ({
      configure: (command) =>
        command.option("--stubborn").action(async ({ stubborn }) => {
          const signal = interruption()
          process.stdout.write("ready\n")
          const alive = setInterval(() => {}, 1000)
          await new Promise((resolve) => signal.addEventListener("abort", resolve))
          if (stubborn) await new Promise(() => {})
          clearInterval(alive)
          process.stdout.write("saved\n")
        }),
    }),
  },
  {
    name: "print",
    summary: "prints many lines",
    load: async () => ({
      configure: (command) =>
        command.action(async () => {
          for (let i = 0; i < 100_000; i++) {
            if (!process.stdout.write(`line ${i}\n`)) await new Promise((resolve) => setImmediate(resolve))
          }
        }),
    }),
  },
  {
    name: "count",
    summary: "shows progress",
    load: async () =>
      defineCommand({
        schema: z.strictObject({}),
        async run(_, { hooks, log, stand }) {
          for (let done = 0; done <= 3; done++) {
            hooks.onProgress({ job: "count", done, total: 3 })
            if (done === 1) stand("a note", "a note's own line")
            if (done === 2) log("a line")
            await new Promise((resolve) => setTimeout(resolve, 150))
          }
          return { text: "three", document: { count: 3 }, summary: ["counted to three"] }
        },
      }),
  },
  {
    name: "absent",
    summary: "cannot be loaded",
    load: () => Promise.reject(new Error("loaded although it was not called")),
  },
]

process.exitCode = await main(process.argv.slice(2), table)
