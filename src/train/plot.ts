import { type ChartOptions, escapeHtml, lineChart } from "../report/chart.js"

/** Of the lines, in order; told apart also by those who see few colours. */
const colours = ["#2a6fdb", "#d9622b", "#14855c", "#8a46c4", "#8d8b84", "#c2266b"] as const

const panel = { width: 640, height: 260, title: 24, legend: 18 } as const

/**
 * Line charts below one another as one SVG file that needs nothing else, with a legend for all of them: their lines have
 * the same names in the same order.
 */
export function plotSvg(charts: readonly ChartOptions[]): string {
  const names = charts[0]!.lines.map(({ name }) => name)
  const top = panel.legend * names.length + 12
  const step = panel.height + panel.title
  const height = top + charts.length * step
  const legend = names.map((name, i) => {
    const y = 8 + panel.legend * (i + 0.5)
    return `<line x1="58" x2="82" y1="${y}" y2="${y}" style="stroke:${colour(i)};stroke-width:3"${dashes(i)}/><text x="90" y="${y + 4}">${escapeHtml(name)}</text>`
  })
  const panels = charts.map((chart, n) => {
    const y = top + n * step
    const title = `<text class="title" x="58" y="${y + 14}">${escapeHtml(chart.title)}</text>`
    return `${title}\n<svg y="${y + panel.title}" width="${panel.width}" height="${panel.height}" ${inner(chart)}`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${panel.width} ${height}" width="${panel.width}" height="${height}">
<style>${style}</style>
<rect width="100%" height="100%" fill="#ffffff"/>
${legend.join("\n")}
${panels.join("\n")}
</svg>
`
}

/** The chart's own picture from its view box on, its colours written out: few viewers of files know CSS variables. */
function inner(chart: ChartOptions): string {
  const html = lineChart(chart)
  const from = html.indexOf("<svg ")
  if (from < 0) return "></svg>"
  const svg = html.slice(from + "<svg ".length, html.indexOf("</svg>") + "</svg>".length)
  return svg.replaceAll(
    /style="--line:var\(--line-(\d+)\)"/g,
    (_, n) => `color="${colour(Number(n) - 1)}"${dashes(Number(n) - 1)}`,
  )
}

const colour = (line: number): string => colours[line % colours.length]!

/** What tells lines beyond the colours from those that have theirs. */
const dashes = (line: number): string =>
  line < colours.length ? "" : ` stroke-dasharray="${line < 2 * colours.length ? "7 4" : "2 3"}"`

const style = `text { font: 12px sans-serif; fill: #555555 } .title { font-size: 14px; fill: #222222 }
line { stroke: #dddddd } .mark { stroke: #999999; stroke-dasharray: 3 3 }
polyline { fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linejoin: round } circle { fill: currentColor }`
