import { cpus } from "node:os"

/** The machine that figures are from, in words. */
export const machine = `${cpus().length} x ${cpus()[0]?.model ?? "unknown"}, Node ${process.version}`

/** Milliseconds by phase, in the order in which they come. */
export type Round = Readonly<Record<string, number>>

/** The median of several times, and the middle half of them. */
export interface Spread {
  readonly median: number
  readonly lower: number
  readonly upper: number
}

export interface Phase extends Spread {
  readonly phase: string
}

export function spread(times: readonly number[]): Spread {
  const sorted = [...times].sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN
  return { median: at(0.5), lower: at(0.25), upper: at(0.75) }
}

/** Each phase of the rounds, and their sum as `all`. */
export function phases(measured: readonly Round[]): Phase[] {
  const names = Object.keys(measured[0] ?? {})
  const totals = measured.map((round) => Object.values(round).reduce((a, b) => a + b, 0))
  const each = names.map((phase) => ({ phase, ...spread(measured.map((round) => round[phase] ?? 0)) }))
  return [...each, { phase: "all", ...spread(totals) }]
}
