import * as tf from "@tensorflow/tfjs-core"
import type { Parameters, Weights } from "../core/parameters.js"
import { shown } from "../core/shown.js"

/** A class of the new head, and the class of the old one that it goes on from; `undefined`: it is made new. */
export interface ClassOrigin {
  readonly name: string
  readonly from: { readonly name: string /** 1..K of the old head. */; readonly label: number } | undefined
}

/** PASCAL VOC's names of classes that COCO calls otherwise, beside those that differ by a space. */
const synonyms: Readonly<Record<string, string>> = {
  aeroplane: "airplane",
  motorbike: "motorcycle",
  sofa: "couch",
  tvmonitor: "tv",
}

/** One form for all ways to write a class: `dining_table`, `Dining Table` and `diningtable` are one. */
function plainName(name: string): string {
  const plain = name.toLowerCase().replaceAll(/[\s_-]+/g, "")
  return synonyms[plain] ?? plain
}

/** Finds each class among the old ones: by its own name, else by how it is written elsewhere. */
export function matchClasses(known: readonly string[], wanted: readonly string[]): ClassOrigin[] {
  const plain = known.map(plainName)
  return wanted.map((name) => {
    const exact = known.indexOf(name)
    const index = exact >= 0 ? exact : plain.indexOf(plainName(name))
    return { name, from: index < 0 ? undefined : { name: known[index]!, label: index + 1 } }
  })
}

/** The layers that have outputs for each class, as torchvision names them. */
const predictor = "roi_heads.box_predictor."

/** A detector's weights without the layers that know its classes, and those layers. */
export function splitHead(weights: Weights): { readonly body: Weights; readonly head: Weights } {
  const isHead = ([name]: readonly [string, unknown]) => name.startsWith(predictor)
  return { body: new Map([...weights].filter((entry) => !isHead(entry))), head: new Map([...weights].filter(isHead)) }
}

/**
 * Copies what an old head knows of the background and of each class into a new one: its rows of `cls_score`, its four of
 * `bbox_pred`. Boxes that are the same for all classes are copied whole.
 * @param parameters of the new detector, whose head has just been made
 * @param oldClasses how many classes the old head has
 * @returns what was copied: nothing where the old head sees other features
 */
export function copyHead(
  parameters: Parameters,
  head: Weights,
  oldClasses: number,
  origins: readonly ClassOrigin[],
): readonly ClassOrigin[] {
  const layers = [...head].flatMap(([name, old]) => {
    const variable = parameters.get(name)?.variable
    return variable === undefined ? [] : [{ variable, old, count: name.includes("bbox_pred") ? 4 : 1 }]
  })
  const fits = layers.every(({ variable: { shape }, old }) => shape.length === 1 || shape[0] === old.shape[0])
  if (!fits || layers.length === 0) return origins.map(({ name }) => ({ name, from: undefined }))
  for (const { variable, old, count } of layers) {
    const values = variable.dataSync<"float32">().slice()
    const [width, oldWidth] = [variable.shape.at(-1)!, old.shape.at(-1)!]
    const copy = (to: number, from: number, length: number) => {
      for (let row = 0; row < values.length / width; row++) {
        const start = row * oldWidth + from
        values.set(old.values.subarray(start, start + length), row * width + to)
      }
    }
    if (width === count * (origins.length + 1) && oldWidth === count * (oldClasses + 1)) {
      copy(0, 0, count)
      for (const [index, { from }] of origins.entries()) if (from) copy(count * (index + 1), count * from.label, count)
    } else if (width === oldWidth) copy(0, 0, width)
    tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)))
  }
  return origins
}

/** The table of a transfer: each class, and the row of the old head that it goes on from. */
export function transferTable(origins: readonly ClassOrigin[]): string {
  const isCopied = origins.some(({ from }) => from !== undefined)
  const rows = [
    ["background", isCopied ? "row 0" : "new"],
    ...origins.map(({ name, from }) => [
      name,
      from === undefined ? "new" : `row ${from.label}${from.name === name ? "" : `, ${from.name}`}`,
    ]),
  ] as [string, string][]
  const width = rows.reduce((most, [name]) => Math.max(most, shown(name).length), 0)
  return rows.map(([name, origin]) => `  ${shown(name).padEnd(width)}  ${shown(origin)}`).join("\n")
}
