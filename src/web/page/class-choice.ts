import { labelColour } from "../../../datasets/image/label-colour.js"
import type { Detection } from "../../predict/detection.js"
import { element } from "./elements.js"

/** Whether a class 1..K is to be shown; `count` writes how many objects each has. */
interface ClassChoice {
  (classId: number): boolean
  count(detections: readonly Detection[]): void
}

/** A box to tick for each class. */
export function classChoice(classes: readonly string[], onChange: () => void): ClassChoice {
  const entries = classes.map((name, i) => {
    const box = document.createElement("input")
    box.type = "checkbox"
    box.checked = true
    const colour = document.createElement("i")
    colour.style.background = `rgb(${labelColour(i + 1).join(" ")})`
    const count = document.createElement("b")
    const label = document.createElement("label")
    label.append(box, colour, name, count)
    const item = document.createElement("li")
    item.append(label)
    return { box, count, item }
  })
  const list = element("classes")
  list.replaceChildren(...entries.map(({ item }) => item))
  list.addEventListener("change", onChange)
  for (const which of ["all", "none"]) {
    element(which).addEventListener("click", () => {
      for (const { box } of entries) box.checked = which === "all"
      onChange()
    })
  }
  return Object.assign((classId: number) => entries[classId - 1]!.box.checked, {
    count(detections: readonly Detection[]) {
      for (const [i, { count }] of entries.entries()) {
        const found = detections.filter(({ classId }) => classId === i + 1).length
        count.textContent = found === 0 ? "" : String(found)
      }
    },
  })
}
