import type { Phase, Spread } from "../tasks/bench-phases.js"
import { benchSchema } from "../tasks/options/bench.js"
import { defineCommand } from "./command.js"

export const command = defineCommand({
  schema: benchSchema,
  description:
    "how long each phase of a training step and of a detection takes on this machine, and how many images a second are " +
    "loaded; images (640x480) and weights are made up, and always the same",
  async plan(options) {
    const { planBench } = await import("../tasks/bench.js")
    return planBench(options)
  },
  async run(options, { hooks }) {
    const { bench } = await import("../tasks/bench.js")
    const result = await bench(options, hooks)
    const { machine, batch, precision, training, detection, photosPerSecond, peakMemory } = result
    const loading = `loading by two threads: ${photosPerSecond.toFixed(0)} photos a second`
    const { traffic } = result
    const step =
      traffic &&
      `a training step: ${traffic.calls} calls of TensorFlow, ${megabytes(traffic.read)} read, ${megabytes(traffic.sent)} sent`
    const text = [
      `${machine}; milliseconds: median, middle half of ${options.steps}\n`,
      `${phaseTable(`training step of ${batch}`, training)}\n`,
      `${phaseTable(`detection of 1 in ${precision}`, detection)}\n`,
      ...(step ? [step] : []),
      `${loading}; peak memory ${(peakMemory / 2 ** 30).toFixed(2)} GB`,
    ]
    return { text: text.join("\n"), document: result }
  },
})

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(2)} MB`

/** A table of phases: median, middle half, and the share of the last one, which is their sum. */
export function phaseTable(title: string, all: readonly Phase[]): string {
  const sum = all.at(-1)!.median
  const share = (median: number) => `${((100 * median) / sum).toFixed(0)} %`
  return [title, ...all.map(({ phase, ...times }) => tableLine(phase, times, share(times.median)))].join("\n")
}

export function tableLine(name: string, { median, lower, upper }: Spread, note: string): string {
  const numbers = [median, lower, upper].map((ms) => ms.toFixed(1).padStart(9))
  return `  ${name.padEnd(34)} ${numbers.join(" ")} ${note.padStart(7)}`
}
