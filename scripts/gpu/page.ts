import { type Phase, type Spread, spread } from "../../src/tasks/bench-phases.js"

/** What one process found, or why it found nothing. */
export interface Part {
  readonly name: string
  readonly seconds: number
  /** What differences may be, by the largest value. */
  readonly bound?: number
  readonly result?: unknown
  readonly failure?: string
}

/** All that `prove.ts` found on a machine. */
export interface Proof {
  readonly version: string
  /** When it was begun or last went on. */
  readonly made: string
  readonly machine: string
  readonly onGpu: boolean
  readonly isSmall: boolean
  readonly sizes: { readonly side: number; readonly batch: number; readonly steps: number; readonly stepSide: number }
  readonly doctor: Doctor | null
  readonly parts: readonly Part[]
}

/** The little that is shown of what `doctor --json` says. */
export interface Doctor {
  readonly usesGpu: boolean
  readonly gpuDriver: string | null
  readonly versions: { readonly libtensorflow: string | null }
  readonly cuda: { readonly name: string; readonly computeCapability: string | null; readonly firstStep: string } | null
  readonly webGpu: { readonly device: string; readonly driver: string } | null
}

export interface Step {
  readonly losses: Readonly<Record<string, number>>
  readonly sha256: string
  /** Of the first photo `[P * 4]`. */
  readonly proposals: readonly number[]
  readonly traffic: { readonly calls: number; readonly read: number; readonly sent: number }
}

export interface Bench {
  readonly training: readonly Phase[]
  readonly detection: readonly Phase[]
  readonly traffic: Step["traffic"] | null
}

export interface Classified {
  readonly results: readonly {
    readonly network: string
    readonly batch: number
    readonly side: number
    readonly rate: Spread
  }[]
}

export interface Peer {
  readonly device: string
  readonly torch: string
  readonly torchvision: string
  /** Milliseconds of each step. */
  readonly times: readonly number[]
}

type Numbers = readonly { readonly name: string; readonly forward: number; readonly backward: number }[]
interface Compared {
  readonly repeats: boolean
  /** The share of proposals that the processor makes too. */
  readonly sameProposals: number
  readonly largest: number
  readonly length: number
}

/** The page for docs/performance.md. */
export function page(proof: Proof): string {
  const { parts } = proof
  const of = <Result>(start: string) =>
    parts.filter(({ name, result }) => name.startsWith(start) && result !== undefined) as (Part & { result: Result })[]
  const sections = [
    ...heading(proof),
    ...numbers(of<Numbers>("numbers")),
    ...steps(proof, of<Step | Compared>("step")),
    ...times(proof, of<Bench>("bench")),
    ...classified(of<Classified>("classify")),
    ...peers(of<Peer>("torchvision")),
    ...failures(parts),
  ]
  return `${sections.join("\n")}\n`
}

function heading({ version, made, machine, onGpu, isSmall, doctor }: Proof): string[] {
  const cuda = doctor?.cuda
  const device = onGpu
    ? `${cuda?.name ?? doctor?.webGpu?.device}, compute capability ${cuda?.computeCapability ?? "unknown"}`
    : "**No GPU was found**: everything ran on the processor, by the ways that a GPU takes where they differ"
  return [
    "## On a GPU",
    `${device}; driver ${doctor?.gpuDriver ?? "none"}; TensorFlow ${doctor?.versions.libtensorflow ?? "none"}; WebGPU: ${
      doctor?.webGpu ? `${doctor.webGpu.device} (${doctor.webGpu.driver})` : "none"
    }. ${machine}. resdet ${version}, ${made.slice(0, 10)}.`,
    ...(isSmall ? ["", "Sizes are small: times say nothing, they show that all parts run."] : []),
    ...(cuda ? ["", `The first step ${cuda.firstStep}.`] : []),
    "",
  ]
}

function numbers(found: readonly (Part & { result: Numbers })[]): string[] {
  const [first] = found
  if (first === undefined) return []
  const columns = found.map(({ name, bound }) => `${name.replace("numbers, ", "")}, at most ${bound}`)
  const rows = first.result.map(({ name }, at) => {
    const own = found.map(({ result, bound }) => {
      const { forward, backward } = result[at]!
      const isOutside = !(Math.max(forward, backward) <= bound!)
      return `${small(forward)}, ${small(backward)}${isOutside ? " **outside**" : ""}`
    })
    return [name, ...own]
  })
  return [
    "Largest difference from WebAssembly by the largest value, of results and of gradients:",
    "",
    ...table(["", ...columns], rows),
  ]
}

function steps({ sizes }: Proof, found: readonly (Part & { result: Step | Compared })[]): string[] {
  const compared = found.filter((part): part is Part & { result: Compared } => "repeats" in part.result)
  if (compared.length === 0) return []
  const rows = compared.map(({ name, result, bound }) => {
    const model = name.split(", ")[1]!
    const device = found.find((part) => part.name === `step, ${model}, device`)!.result as Step
    const { calls, read, sent } = device.traffic
    const apart = `${small(result.length)}, ${small(result.largest)}${result.length <= bound! ? "" : " **outside**"}`
    const same = `${(100 * result.sameProposals).toFixed(1)} %`
    return [model, result.repeats ? "yes" : "**no**", apart, same, `${calls}`, megabytes(read), megabytes(sent)]
  })
  const titles = ["", "twice the same bits", "from the processor", "same proposals", "calls", "read", "sent"]
  return [
    `One seeded training step of ${sizes.batch} at ${sizes.stepSide} pixels, TF32 off: what it changes in the weights, twice on the ` +
      "device and once on the processor (length of the difference, at most 0.001, and its largest value):",
    "",
    ...table(titles, rows),
  ]
}

function times({ sizes }: Proof, found: readonly (Part & { result: Bench })[]): string[] {
  if (found.length === 0) return []
  const rows = found.map(({ name, result }) => {
    const { training, detection, traffic } = result
    const own = traffic ? [`${traffic.calls}`, megabytes(traffic.read), megabytes(traffic.sent)] : ["-", "-", "-"]
    return [name.replace("bench, ", ""), milliseconds(training.at(-1)!), milliseconds(detection.at(-1)!), ...own]
  })
  const titles = ["milliseconds", `training step of ${sizes.batch}`, "detection of 1", "calls a step", "read", "sent"]
  const [first] = found
  const phases = first!.result.training.map(({ phase, ...own }) => [phase, milliseconds(own)])
  return [
    `\`resdet bench\` at ${sizes.side} pixels, ${sizes.steps} steps: median and middle half.`,
    "",
    ...table(titles, rows),
    `Phases of a training step, ${first!.name.replace("bench, ", "")}:`,
    "",
    ...table(["phase", "milliseconds"], phases),
  ]
}

function classified(found: readonly (Part & { result: Classified })[]): string[] {
  const rows = found.flatMap(({ name, result }) =>
    result.results.map(({ network, batch, side, rate }) => [
      `${network}, ${batch} of ${side}`,
      name.split(", ").at(-1)!,
      rate.median.toFixed(1),
    ]),
  )
  return rows.length === 0 ? [] : [...table(["training", "engine", "images a second"], rows)]
}

function peers(found: readonly (Part & { result: Peer })[]): string[] {
  const [first] = found
  if (first === undefined) return []
  const { device, torch, torchvision } = first.result
  const rows = found.map(({ name, result }) => [name.replace("torchvision, ", ""), milliseconds(spread(result.times))])
  const title = `torchvision ${torchvision}, torch ${torch}, on ${device}, channels_last, regions aligned:`
  return [title, "", ...table(["", "milliseconds"], rows)]
}

function failures(parts: readonly Part[]): string[] {
  const failed = parts.flatMap(({ name, failure }) => (failure === undefined ? [] : [`- ${name}: ${failure}`]))
  return failed.length === 0 ? [] : ["Did not run:", "", ...failed]
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`
  return [line(titles), line(titles.map(() => "---")), ...rows.map(line), ""]
}

const small = (value: number): string => value.toExponential(1)
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(2)} MB`
const milliseconds = ({ median, lower, upper }: Omit<Phase, "phase">): string =>
  `${median.toFixed(1)} (${lower.toFixed(1)} to ${upper.toFixed(1)})`
