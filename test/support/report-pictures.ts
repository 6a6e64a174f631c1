import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect } from "vitest"

/** The pictures in the report of a finished run's folder; expects some of a batch and of a validation. */
export function reportPictures(run: string): string {
  const html = readFileSync(join(run, "report.html"), "utf8")
  const pictures = html.slice(
    html.indexOf("<h2>The first batch, as the network saw it</h2>"),
    html.indexOf("<h2>Epochs</h2>"),
  )
  expect(pictures).toMatch(/^<h2>The first batch.*<image .*<h2>Validation: the worst.*<image /s)
  return pictures
}
