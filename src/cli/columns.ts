import { shown } from "../core/shown.js"

/** Letters of the longest. A table may have more rows than a call takes arguments. */
export const widest = (texts: Iterable<string>): number => {
  let most = 0
  for (const { length } of texts) most = Math.max(most, length)
  return most
}

/** Rows with their columns aligned, the first `left` of them to the left; the first column holds names of others. */
export function alignColumns(rows: readonly (readonly string[])[], left = 1): string[] {
  const cells = rows.map(([name = "", ...rest]) => [shown(name), ...rest])
  const widths = (cells[0] ?? []).map((_, column) => widest(cells.map((row) => row[column]!)))
  const pad = (cell: string, c: number) => (c < left ? cell.padEnd(widths[c]!) : cell.padStart(widths[c]!))
  return cells.map((row) => row.map(pad).join("  ").trimEnd())
}
