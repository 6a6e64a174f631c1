/** One of the lines that pycocotools' `summarize` prints. */
export interface SummaryLine {
  readonly kind: "AP" | "AR"
  /** Such as "0.50:0.95". */
  readonly iou: string
  /** Such as "all". */
  readonly area: string
  readonly maxDets: number
  /** 0..1, -1 where there is nothing to measure. */
  readonly value: number
}

/** The line as pycocotools prints it. @source pycocotools cocoeval.py summarize */
export function formatSummaryLine({ kind, iou, area, maxDets, value }: SummaryLine): string {
  const title = kind === "AP" ? "Average Precision" : "Average Recall"
  return ` ${title.padEnd(18)} (${kind}) @[ IoU=${iou.padEnd(9)} | area=${area.padStart(6)} | maxDets=${String(maxDets).padStart(3)} ] = ${pythonFixed(value)}`
}

/** Three decimals as Python prints them: exact halves go to the even digit (only multiples of 1/16 can be halves). */
function pythonFixed(value: number): string {
  const thousandths = value * 1000
  if (Number.isInteger(value * 16) && Math.abs(thousandths % 1) === 0.5) {
    const below = Math.floor(thousandths)
    return ((below % 2 === 0 ? below : below + 1) / 1000).toFixed(3)
  }
  return value.toFixed(3)
}
