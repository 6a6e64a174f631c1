import { createRequire } from "node:module"

/** Where a job stands, as it is shown. */
export interface Standing {
  /** What is done, such as `eval`. */
  readonly label: string
  readonly done: number
  /** Undefined where nobody knows. */
  readonly total: number | undefined
  /** What is counted, where it is no number of things. */
  readonly unit?: "MB" | undefined
  /** So many a second. */
  readonly rate: number | undefined
  /** What else is to be said, such as the loss. */
  readonly note?: string | undefined
}

const widestBar = 30
const narrowestBar = 8

/** A line with a bar that is narrower than the terminal: where it does not fit the bar gives way, then the end of the line. */
export function barLine(standing: Standing, columns: number): string {
  const { label, done, total } = standing
  const parts = figures(standing)
  // The last column stays free: a line that fills it is wrapped by some terminals.
  const room = columns - 1 - stringWidth([label, "", ...parts].join("  ")) - "[]".length
  if (total === undefined || room < narrowestBar) return clipped([label, ...parts].join("  "), columns - 1)
  const width = Math.min(widestBar, room)
  const filled = total === 0 ? width : Math.min(width, Math.floor((width * done) / total))
  return [label, `[${"=".repeat(filled)}${"-".repeat(width - filled)}]`, ...parts].join("  ")
}

/** The same in words, for a file: `eval 120/500  12.3/s  0:31 left`. */
export const plainLine = (standing: Standing): string => `${standing.label} ${figures(standing).join("  ")}`

function figures({ done, total, unit, rate, note }: Standing): string[] {
  const count = `${done}${total === undefined ? "" : `/${total}`}${unit === undefined ? "" : ` ${unit}`}`
  const left = rate === undefined || total === undefined || done >= total ? undefined : (total - done) / rate
  return [
    count,
    ...(rate === undefined ? [] : [rateText(rate, unit)]),
    ...(left === undefined ? [] : [`${duration(left)} left`]),
    ...(note ? [note] : []),
  ]
}

/** `12.3/s`, `11.2 MB/s`, `2.1 s each`. */
function rateText(rate: number, unit: Standing["unit"]): string {
  if (unit !== undefined) return `${rate.toFixed(1)} ${unit}/s`
  if (rate < 1) return `${(1 / rate).toFixed(1)} s each`
  return `${rate < 100 ? rate.toFixed(1) : Math.round(rate)}/s`
}

/** `0:31`, `12:05`, `3:04:05`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds)
  const two = (value: number) => String(value).padStart(2, "0")
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60]
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`
}

/** The beginning of a text that fills so many columns at most. */
function clipped(text: string, columns: number): string {
  let width = 0
  let kept = ""
  for (const letter of text) {
    width += stringWidth(letter)
    if (width > columns) break
    kept += letter
  }
  return kept
}

/** How many columns a text fills. The package is loaded with the first bar. */
function stringWidth(text: string): number {
  return (createRequire(import.meta.url)("string-width") as typeof import("string-width"))(text)
}
