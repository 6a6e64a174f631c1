/** A series of points; a point with a number that is not finite is left out. */
export interface Line {
  readonly name: string
  readonly points: readonly Point[]
}

export type Point = readonly [x: number, y: number]

export interface ChartOptions {
  readonly title: string
  /** What the horizontal axis counts, such as `step`. */
  readonly along: string
  readonly lines: readonly Line[]
  /** Draw each point, for series of a few. */
  readonly dots?: boolean
  /** A place on the horizontal axis to point out. */
  readonly mark?: { readonly at: number; readonly text: string }
}

const frame = { width: 640, height: 260, left: 58, right: 14, top: 14, bottom: 34 } as const

/**
 * More points than this are drawn as means of neighbours: a line has about as many pixels, and the file stays small.
 * @source ours: the width of the plot, in its own units
 */
const mostPoints = 560

/**
 * A line chart as a piece of HTML: a `figure` with a legend of last values and one inline SVG. The vertical axis begins at
 * 0 (or below, where a value does). Colours are the page's: `--line-1`, `--line-2`, ...
 */
export function lineChart({ title, along, lines, dots = false, mark }: ChartOptions): string {
  const drawn = lines.map(({ name, points }) => ({
    name,
    points: points.filter((point) => point.every(Number.isFinite)),
  }))
  const all = drawn.flatMap(({ points }) => points)
  if (all.length === 0) return `<figure><h2>${escapeHtml(title)}</h2><p class="none">Nothing measured yet.</p></figure>`
  const xs = all.map(([x]) => x)
  const ys = all.map(([, y]) => y)
  const x = scale(least(xs), most(xs), frame.left, frame.width - frame.right)
  const yTicks = niceTicks(Math.min(0, least(ys)), most(ys))
  const y = scale(yTicks[0]!, yTicks.at(-1)!, frame.height - frame.bottom, frame.top)
  const legend = drawn.map(({ name, points }, i) => {
    const last = points.at(-1)
    return `<li><i style="background:var(--line-${i + 1})"></i>${escapeHtml(name)} <b>${formatNumber(last?.[1] ?? Number.NaN)}</b></li>`
  })
  return `<figure><h2>${escapeHtml(title)}</h2><ul class="legend">${legend.join("")}</ul>
<svg viewBox="0 0 ${frame.width} ${frame.height}" role="img" aria-label="${escapeHtml(title)}">
${yTicks.map((tick) => horizontal(y(tick), formatNumber(tick))).join("")}
${wholeTicks(least(xs), most(xs))
  .map((tick) => text(x(tick), frame.height - 18, "middle", String(tick)))
  .join("")}
${text(frame.width - frame.right, frame.height - 4, "end", along)}
${mark === undefined ? "" : vertical(x(mark.at), mark.text)}
${drawn.map(({ name, points }, i) => series(name, i + 1, thin(points, dots ? points.length : mostPoints), dots, x, y)).join("\n")}
</svg></figure>`
}

/** Makes text safe between tags and in attributes. */
export function escapeHtml(value: string): string {
  const names: Readonly<Record<string, string>> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  }
  return value.replace(/[&<>"']/g, (character) => names[character]!)
}

/** Four significant digits, `n/a` for NaN. */
export function formatNumber(value: number): string {
  return Number.isNaN(value) ? "n/a" : String(Number(value.toPrecision(4)))
}

/** Round numbers, 1, 2 or 5 times a power of ten apart, that enclose `low` and `high`. */
export function niceTicks(low: number, high: number): number[] {
  const span = high - low || Math.abs(high) || 1
  const power = 10 ** Math.floor(Math.log10(span / 4))
  const step = power * ([1, 2, 5].find((times) => times * power * 5 >= span) ?? 10)
  const first = Math.floor(low / step + 1e-9)
  const last = Math.max(Math.ceil(high / step - 1e-9), first + 1)
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)))
}

/** Round whole numbers within `low` and `high`. */
function wholeTicks(low: number, high: number): number[] {
  if (high - low < 1) return [low]
  const ticks = niceTicks(low, high).filter((tick) => tick >= low && tick <= high && Number.isInteger(tick))
  return ticks.length > 0 ? ticks : [low, high]
}

function thin(points: readonly Point[], limit: number): readonly Point[] {
  if (points.length <= limit) return points
  return Array.from({ length: limit }, (_, k) => {
    const part = points.slice(Math.floor((k * points.length) / limit), Math.floor(((k + 1) * points.length) / limit))
    return [mean(part.map(([x]) => x)), mean(part.map(([, y]) => y))] as const
  })
}

type Scale = (value: number) => number

function scale(from: number, to: number, start: number, end: number): Scale {
  return (value) => (to === from ? (start + end) / 2 : start + ((value - from) / (to - from)) * (end - start))
}

function series(name: string, colour: number, points: readonly Point[], dots: boolean, x: Scale, y: Scale): string {
  const places = points.map(([px, py]) => [x(px).toFixed(1), y(py).toFixed(1)] as const)
  const line = `<polyline points="${places.map((place) => place.join(",")).join(" ")}"/>`
  // A single point has no line.
  const marks = dots || points.length === 1 ? places.map(([px, py]) => `<circle cx="${px}" cy="${py}" r="3"/>`) : []
  return `<g style="--line:var(--line-${colour})"><title>${escapeHtml(name)}</title>${line}${marks.join("")}</g>`
}

function horizontal(at: number, label: string): string {
  const line = `<line x1="${frame.left}" x2="${frame.width - frame.right}" y1="${at.toFixed(1)}" y2="${at.toFixed(1)}"/>`
  return line + text(frame.left - 6, at + 4, "end", label)
}

function vertical(at: number, label: string): string {
  const line = `<line class="mark" x1="${at.toFixed(1)}" x2="${at.toFixed(1)}" y1="${frame.top}" y2="${frame.height - frame.bottom}"/>`
  const anchor = at > frame.width / 2 ? "end" : "start"
  return line + text(at + (anchor === "end" ? -5 : 5), frame.top + 8, anchor, label)
}

function text(x: number, y: number, anchor: "start" | "middle" | "end", content: string): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${escapeHtml(content)}</text>`
}

// Not Math.min(...values): a long run has more values than a call takes arguments.
const least = (values: readonly number[]) => values.reduce((a, b) => Math.min(a, b))
const most = (values: readonly number[]) => values.reduce((a, b) => Math.max(a, b))
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length
