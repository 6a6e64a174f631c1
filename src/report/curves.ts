import type { PrecisionRecallCurve } from "../eval/class-report.js"
import { escapeHtml } from "./chart.js"

const side = { width: 300, height: 220, left: 34, right: 8, top: 8, bottom: 26 } as const

/**
 * Precision over recall as one figure. Its points stand in `data-curve`, from which the page's script reads threshold,
 * precision and recall under the pointer, or by the arrow keys.
 */
export function precisionRecallFigure(name: string, { recall, precision, scores }: PrecisionRecallCurve): string {
  const heading = `<h3>${escapeHtml(name)}</h3>`
  if (recall.length === 0) return `<figure>${heading}<p class="none">No objects.</p></figure>`
  const x = (value: number) => (side.left + value * (side.width - side.left - side.right)).toFixed(1)
  const y = (value: number) => (side.height - side.bottom - value * (side.height - side.top - side.bottom)).toFixed(1)
  const points = recall.map((r, i) => `${x(r)},${y(precision[i]!)}`).join(" ")
  const ticks = [0, 0.5, 1].map((tick) => {
    const line = `<line x1="${side.left}" x2="${side.width - side.right}" y1="${y(tick)}" y2="${y(tick)}"/>`
    const below = `<text x="${x(tick)}" y="${side.height - 10}" text-anchor="middle">${tick}</text>`
    return `${line}<text x="${side.left - 5}" y="${Number(y(tick)) + 4}" text-anchor="end">${tick}</text>${below}`
  })
  const data = JSON.stringify([recall, precision, scores].map((values) => values.map((one) => Number(one.toFixed(3)))))
  return `<figure>${heading}<svg class="curve" tabindex="0" viewBox="0 0 ${side.width} ${side.height}" role="img" aria-label="Precision over recall of ${escapeHtml(name)}" data-curve="${data}">
${ticks.join("")}<g style="--line:var(--line-1)"><polyline points="${points}"/><circle r="4" cx="-9" cy="-9"/></g></svg><p class="readout" aria-live="polite"></p></figure>`
}
