import type { Dataset } from "../../../datasets/dataset.js"
import { UsageError } from "../../core/errors.js"
import { didYouMean } from "../../core/suggest.js"

const how = "--class-weights: expected auto, or classes with weights above 0 as in cat=2,dog=0.5"

/**
 * How much each class counts in the loss of the head, and says so.
 * @param asked `auto`, or some of `name=weight`; the others have 1
 * @returns `[K + 1]`, background first, which has 1; undefined where nothing is asked for
 * @throws UsageError for a class that is not in the data, or what is no weight
 */
export function weightClasses(
  asked: readonly string[] | undefined,
  data: Pick<Dataset, "classes" | "images" | "source">,
  log: (line: string) => void,
): readonly number[] | undefined {
  if (asked === undefined) return undefined
  const weights = asked.join() === "auto" ? balanced(data) : named(asked, data)
  const parts = data.classes.map((name, index) => `${name} ${Number(weights[index]!.toPrecision(3))}`)
  log(`class weights: ${parts.join(", ")}; background 1`)
  return [1, ...weights]
}

/**
 * Objects / (classes * objects of the class): a class's objects count as much together as those of any other.
 * @source scikit-learn `compute_class_weight("balanced")`; a class without objects, which it refuses, has 1
 */
function balanced({ classes, images }: Pick<Dataset, "classes" | "images">): number[] {
  const counts = classes.map(() => 0)
  for (const { labels, crowd } of images) {
    for (const [i, label] of labels.entries()) if (!crowd[i]) counts[label - 1]!++
  }
  const present = counts.filter((count) => count > 0)
  const mean = present.reduce((sum, count) => sum + count, 0) / present.length
  return counts.map((count) => (count === 0 ? 1 : mean / count))
}

function named(asked: readonly string[], { classes, source }: Pick<Dataset, "classes" | "source">): number[] {
  const weights = classes.map(() => 1)
  for (const one of asked) {
    // A class's name may have a = of its own.
    const [, name, text] = /^(.+)=([^=]+)$/.exec(one) ?? []
    if (name === undefined || !(Number(text) > 0 && Number(text) < Number.POSITIVE_INFINITY)) {
      throw new UsageError(`${how}, got "${one}"`)
    }
    const index = classes.indexOf(name)
    if (index === -1) {
      throw new UsageError(
        `--class-weights: ${source} has no class "${name}".${didYouMean(name, classes)} They are ${classes.join(", ")}`,
      )
    }
    weights[index] = Number(text)
  }
  return weights
}
