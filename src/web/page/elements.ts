/** An element of the page by its id. */
export const element = <Type extends HTMLElement = HTMLElement>(id: string): Type => document.getElementById(id) as Type

/** A row of a table that its first cell names. */
export function tableRow(name: string, ...cells: readonly string[]): HTMLTableRowElement {
  const row = document.createElement("tr")
  const heading = document.createElement("th")
  heading.scope = "row"
  heading.textContent = name
  row.append(heading)
  for (const text of cells) row.insertCell().textContent = text
  return row
}
