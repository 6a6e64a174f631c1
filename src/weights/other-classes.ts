import type { Weights } from "../core/parameters.js"
import { firstFew, shown } from "../core/shown.js"
import type { Checkpoint } from "./checkpoint.js"

/** The layers with outputs for each class; a localizer has those of one of its stages. */
const heads = {
  classifier: /^fc\./,
  localizer: /^(rpn\.cls_logits|rpn\.bbox_pred|regions\.cls_score|regions\.bbox_pred)\./,
} as const

/** Whether numbers only stand for names that nobody told, as in imported weights. */
export const areNumbered = (classes: readonly string[], training: Readonly<Record<string, unknown>>): boolean =>
  Object.keys(training).length === 0 && classes.every((name, k) => name === String(k))

/**
 * The weights of a classifier or localizer for one to go on from with `classes`: where it knows others, or in another order,
 * without the layers that know them, which is told. Those of another kind of model stay as they are.
 */
export function weightsForClasses(
  kind: keyof typeof heads,
  { path, model }: Checkpoint,
  weights: Weights,
  classes: readonly string[],
  log: (line: string) => void,
): Weights {
  if (model.kind !== kind || areNumbered(model.info.classes, model.info.training)) return weights
  const known = model.info.classes
  const head = heads[kind]
  const names = [...weights.keys()].filter((name) => head.test(name))
  if (names.length === 0 || (known.length === classes.length && known.every((name, k) => name === classes[k]))) {
    return weights
  }
  const layers = [...new Set(names.map((name) => name.slice(0, name.lastIndexOf("."))))].join(", ")
  log(`${path}: ${layers} made new: it was trained for ${listed(known)}, the data have ${listed(classes)}`)
  return new Map([...weights].filter(([name]) => !head.test(name)))
}

const listed = (classes: readonly string[]) => firstFew(classes.map(shown), 5)
