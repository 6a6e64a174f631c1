import { escapeHtml } from "./chart.js"
import { style } from "./style.js"

/**
 * An HTML page that needs nothing else: no network, no files.
 * @param body HTML, everything of others escaped
 * @param script JavaScript that the page can do without
 */
export function htmlPage(title: string, body: string, script = ""): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>${escapeHtml(title)}</title>
<style>${style}</style></head>
<body>
<h1>${escapeHtml(title)}</h1>
${body}
${script === "" ? "" : `<script>${script}</script>\n`}</body></html>
`
}

/** Names and what they are worth, as a row of figures. */
export function figureList(named: readonly (readonly [name: string, value: string | undefined])[]): string {
  const items = named.flatMap(([name, value]) =>
    value === undefined ? [] : [`<div><dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd></div>`],
  )
  return `<dl class="figures">${items.join("")}</dl>`
}

/** 0..1 as 0..100 with one decimal. */
export const percent = (value: number | undefined): string =>
  value === undefined || Number.isNaN(value) ? "n/a" : (value * 100).toFixed(1)
