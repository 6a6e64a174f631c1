/**
 * What a report's page does when scripts run: tables sort by a click on their headings, curves tell what is under the
 * pointer, cells of the confusion matrix name their images. Without scripts everything else stays readable.
 */
export const pageScript = `
for (const table of document.querySelectorAll("table.sortable")) {
  const headings = [...table.tHead.rows[0].cells]
  headings.forEach((heading, column) => heading.querySelector("button").addEventListener("click", () => {
    const down = heading.getAttribute("aria-sort") !== "descending"
    const value = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent
    const order = (a, b) => {
      const [x, y] = [value(a), value(b)]
      const [m, n] = [Number(x), Number(y)]
      if (x === "" || y === "") return (x === "") - (y === "")
      return (Number.isNaN(m) || Number.isNaN(n) ? x.localeCompare(y) : m - n) * (down ? -1 : 1)
    }
    for (const other of headings) other.removeAttribute("aria-sort")
    heading.setAttribute("aria-sort", down ? "descending" : "ascending")
    table.tBodies[0].append(...[...table.tBodies[0].rows].sort(order))
  }))
}
for (const curve of document.querySelectorAll("svg.curve")) {
  const [recall, precision, scores] = JSON.parse(curve.dataset.curve)
  const points = curve.querySelector("polyline").getAttribute("points").split(" ").map((one) => one.split(",").map(Number))
  const readout = curve.nextElementSibling
  let at = -1
  const show = (place) => {
    at = Math.max(0, Math.min(points.length - 1, place))
    const dot = curve.querySelector("circle")
    dot.setAttribute("cx", points[at][0])
    dot.setAttribute("cy", points[at][1])
    readout.textContent = "threshold " + scores[at].toFixed(3) + ", precision " + (100 * precision[at]).toFixed(1) + ", recall " + (100 * recall[at]).toFixed(0)
  }
  curve.addEventListener("pointermove", (event) => {
    const box = curve.getBoundingClientRect()
    const x = (event.clientX - box.left) / box.width * curve.viewBox.baseVal.width
    show(points.reduce((best, [px], i) => Math.abs(px - x) < Math.abs(points[best][0] - x) ? i : best, 0))
  })
  curve.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -1e9, End: 1e9 }[event.key]
    if (step === undefined) return
    event.preventDefault()
    show(at + step)
  })
}
const dialog = document.querySelector("dialog")
for (const cell of document.querySelectorAll("[data-images]")) cell.addEventListener("click", () => {
  dialog.querySelector("h2").textContent = cell.getAttribute("aria-label")
  dialog.querySelector("ul").replaceChildren(...JSON.parse(cell.dataset.images).map((name) => {
    const item = document.createElement("li")
    item.textContent = name
    return item
  }))
  dialog.showModal()
})
`
