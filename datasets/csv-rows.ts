import { parse } from "csv-parse/sync"
import { csvDelimiter } from "../src/core/csv-columns.js"
import { DataError } from "../src/core/errors.js"
import { readText } from "./text.js"

/** The rows of a CSV file. @throws DataError naming it, for one that is no CSV */
export function readCsvRows(path: string): string[][] {
  try {
    return csvRows(readText(path))
  } catch (error) {
    throw error instanceof DataError ? error : new DataError(`${path}: ${(error as Error).message}`)
  }
}

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
