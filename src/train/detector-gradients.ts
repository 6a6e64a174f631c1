import * as tf from "@tensorflow/tfjs-core"
import type { Parameter } from "../core/parameters.js"
import { seededRandom } from "../core/random.js"
import type { Size } from "../core/shapes.js"
import type { FasterRcnn, TrainingBatch } from "../detector/faster-rcnn.js"
import { sizeOf, trainingTruths } from "../detector/truths.js"
import type { Precision } from "../engine/names.js"
import { offTape } from "../engine/off-tape.js"
import { recorded, recordedInParts } from "../engine/recorded.js"
import { type RegionGoals, regionGoalsOf, tensorsOfRegionGoals } from "../roi/loss.js"
import { imageLimits } from "../rpn/device-proposals.js"
import { anchorSampleOf, tensorsOfAnchorSample } from "../rpn/rpn.js"
import { type BatchGradients, tapeGradients } from "./gradients.js"

/**
 * The gradients of a detector's step as three recorded functions: the layers that all regions share with the RPN; the heads
 * with their losses and gradients; the gradients of the shared layers. Proposals, samples and the pooling of regions come in
 * between, as their shapes and values are of each photo's own; on a GPU proposals are made within the first function, and regions
 * are pooled within the second. The same bits as one tape around `detector.losses`.
 * @param parameters asked for at the first step: what trains
 * @returns takes the seed of the batch's samples, which may be drawn twice; undefined for a detector of which something may depend on more than its inputs
 */
export function detectorGradients(
  detector: FasterRcnn,
  parameters: () => readonly Parameter[],
  precision: Precision = "float32",
): ((batch: TrainingBatch, seed: number) => BatchGradients) | undefined {
  if (detector.recordable === undefined) return undefined
  const { backbone, options } = detector
  const { rpn, roiHeads } = detector.recordable
  const levelCount = roiHeads.options.strides.length
  let names: readonly string[] = []
  let trained: readonly Parameter[] | undefined
  const ofHeads = () => trained!.flatMap(({ name, variable }) => (name.startsWith("roi_heads.") ? [variable] : []))

  /** The two losses, the gradient of what was pooled, those of the heads' variables. */
  const heads = recorded((pooled: tf.Tensor4D, ...goals: tf.Tensor[]) => {
    return tf.tidy(() => {
      let losses: tf.Scalar[] = []
      const total = () => {
        losses = Object.values(roiHeads.lossesOf(pooled, regionGoalsOf(goals))).map((loss) => tf.keep(loss))
        return tf.addN(losses)
      }
      const { grads } = tf.engine().gradients(total, [pooled, ...ofHeads()], undefined, true)
      const made = [...losses, ...orZeros(grads, [pooled, ...ofHeads()])].map((tensor) => tensor.clone())
      tf.dispose(losses)
      return made
    })
  }, precision)

  /** Where regions are pooled by their values, the heads and the pooling are one function. */
  const throughValues = recorded((values: tf.Tensor2D, ...others: tf.Tensor[]) => {
    const [levels, goals] = [others.slice(0, levelCount) as tf.Tensor4D[], others.slice(levelCount)]
    return throughPooling(levels, (maps) => roiHeads.pooledAt(maps, values), goals)
  }, precision)

  const step = recordedInParts((pause, stem: tf.Tensor4D, limits: tf.Tensor3D) => {
    let fromHeads: readonly tf.Tensor[] = []
    let held: readonly tf.Tensor[] = []
    const losses = () => {
      const levels = backbone.train?.(stem) ?? backbone.features(stem)
      const toRead = offTape(() => rpn.toRead(rpn.head.apply(levels), levels, limits, options.proposals.train))
      // The tape's gradients read them when its forward pass is over.
      held = pause([...levels, ...toRead]).map((tensor) => tf.keep(tensor.clone()))
      const given = [...held]
      const ofLevels = given.splice(0, levels.length)
      const [loss_classifier, loss_box_reg] = given.splice(0, 2) as [tf.Scalar, tf.Scalar]
      fromHeads = given.splice(0, ofHeads().length)
      const ofAnchors = rpn.lossesAt(levels, anchorSampleOf(given))
      const throughRegions = tf.customGrad(() => ({
        value: loss_classifier.clone(),
        gradFunc: () => ofLevels.map((gradient) => gradient.clone()),
      }))
      return { ...ofAnchors, loss_classifier: throughRegions(...levels) as tf.Scalar, loss_box_reg }
    }
    const others = () => Object.fromEntries(ofHeads().map(({ name }, i) => [name, fromHeads[i]!.clone()]))
    const tape = tapeGradients(losses, trained!, { others })
    names = tape.names
    tf.dispose([...held])
    return [tape.figures, ...trained!.map(({ variable }) => tape.gradients[variable.name]!)]
  }, precision)

  return ({ stem, images }, seed) => {
    trained ??= parameters()
    const sizes = images.map(sizeOf)
    const truths = images.map((image) => trainingTruths(image, options.difficult))
    const between = (results: readonly tf.Tensor[]) => {
      const draws = seededRandom(seed)
      const [levels, read] = [results.slice(0, levelCount) as tf.Tensor4D[], results.slice(levelCount)]
      const proposals = rpn.proposalsOf(read, levels, sizes, options.proposals.train)
      const anchors = rpn.sample(levels, truths, sizes, draws)
      const { regions, goals } = roiHeads.sample(proposals, truths, draws)
      const through = goals.rows.shape[0] === 0 ? noRegions(levels) : ofRegions(levels, regions, sizes, goals)
      return [...through, ...tensorsOfAnchorSample(anchors)]
    }
    const [figures, ...gradients] = tf.tidy(() => [...step(between, stem, imageLimits(sizes))])
    return {
      names,
      figures: figures as tf.Tensor1D,
      gradients: Object.fromEntries(trained.map(({ variable }, i) => [variable.name, gradients[i]!])),
    }
  }

  /** The gradients of the levels, the two losses, the gradients of the heads. */
  function ofRegions(
    levels: tf.Tensor4D[],
    regions: readonly Float32Array[],
    sizes: readonly Size[],
    goals: RegionGoals,
  ): readonly tf.Tensor[] {
    const inputs = tensorsOfRegionGoals(goals)
    const values = roiHeads.regionsToPool(regions, sizes)
    if (values !== undefined) return offTape(() => throughValues(values, ...levels, ...inputs))
    return throughPooling(levels, (maps) => roiHeads.pooled(maps, regions, sizes), inputs)
  }

  function throughPooling(
    levels: tf.Tensor4D[],
    pool: (levels: tf.Tensor4D[]) => tf.Tensor4D,
    goals: readonly tf.Tensor[],
  ): tf.Tensor[] {
    return offTape(() =>
      tf.tidy(() => {
        let made: tf.Tensor[] = []
        const ofPooled = tf.customGrad((pooled) => {
          made = offTape(() => heads(pooled as tf.Tensor4D, ...goals)).map((tensor) => tf.keep(tensor.clone()))
          return { value: made[0]!.clone(), gradFunc: () => made[2]!.clone() }
        })
        const { grads } = tf.engine().gradients(() => ofPooled(pool(levels)), levels, undefined, true)
        const [classifier, boxes, , ...own] = made
        const all = [...orZeros(grads, levels), classifier!, boxes!, ...own].map((tensor) => tensor.clone())
        tf.dispose(made)
        return all
      }),
    )
  }

  function noRegions(levels: readonly tf.Tensor4D[]): tf.Tensor[] {
    return [...levels.map(zeros), tf.scalar(0), tf.scalar(0), ...ofHeads().map(zeros)]
  }
}

const zeros = (like: tf.Tensor): tf.Tensor => tf.zerosLike(like)

/** A gradient for each tensor, also for those that nothing led to. */
const orZeros = (gradients: readonly (tf.Tensor | null | undefined)[], tensors: readonly tf.Tensor[]): tf.Tensor[] =>
  tensors.map((tensor, i) => gradients[i] ?? zeros(tensor))
