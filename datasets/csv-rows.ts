import { parse } from "csv-parse/sync"
import { csvDelimiter } from "../src/core/csv-columns.js"

/** The rows of a CSV text, the first `most` of them where that is said. */
export function csvRows(text: string, most?: number): string[][] {
  return parse(text, {
    delimiter: csvDelimiter(text),
    bom: true,
    relax_column_count: true,
    skip_empty_lines: true,
    ...(most && { to: most }),
  })
}
