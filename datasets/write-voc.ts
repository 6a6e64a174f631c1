import type { ImageRecord } from "./dataset.js"

/** What a VOC annotation file tells of an image. */
export type Annotated = Pick<ImageRecord, "width" | "height" | "boxes" | "labels" | "difficult">

/**
 * The text of a VOC annotation file. Boxes (0-based, continuous) become VOC's corners: xmin and ymin count from 1.
 * @param folder - name of the data set's folder
 * @param filename - the image's name in `JPEGImages/`
 * @source the VOC development kit
 */
export function vocXml(image: Annotated, classes: readonly string[], folder: string, filename: string): string {
  const objects = Array.from(image.labels, (label, i) => {
    const [x1, y1, x2, y2] = image.boxes.subarray(4 * i, 4 * i + 4) as unknown as [number, number, number, number]
    return `  <object>
    <name>${escapeXml(classes[label - 1]!)}</name>
    <pose>Unspecified</pose>
    <truncated>0</truncated>
    <difficult>${image.difficult[i]}</difficult>
    <bndbox>
      <xmin>${short(x1 + 1)}</xmin>
      <ymin>${short(y1 + 1)}</ymin>
      <xmax>${short(x2)}</xmax>
      <ymax>${short(y2)}</ymax>
    </bndbox>
  </object>
`
  })
  return `<annotation>
  <folder>${escapeXml(folder)}</folder>
  <filename>${escapeXml(filename)}</filename>
  <size>
    <width>${image.width}</width>
    <height>${image.height}</height>
    <depth>3</depth>
  </size>
  <segmented>0</segmented>
${objects.join("")}</annotation>
`
}

function short(value: number): string {
  return String(Number(value.toFixed(4)))
}

const entities: Readonly<Record<string, string>> = {
  "<": "&lt;",
  ">": "&gt;",
  "&": "&amp;",
  '"': "&quot;",
  "'": "&apos;",
}

/** Text that is safe between tags and in attributes. */
function escapeXml(text: string): string {
  return text.replace(/[<>&"']/g, (sign) => entities[sign]!)
}
