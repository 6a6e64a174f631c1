import { type Random, shuffleFirst } from "../../src/core/random.js"
import type { ImageRecord } from "../dataset.js"

/**
 * How often each image is to come in an epoch, 1 or more: as often as its rarest class asks for. A class in a share f of
 * the images asks for sqrt(threshold / f), where that is more than 1. Crowds and difficult objects count as objects.
 * @source Gupta et al. 2019 (LVIS), appendix B.2; detectron2 `RepeatFactorTrainingSampler`
 */
export function repeatFactors(images: readonly Pick<ImageRecord, "labels">[], threshold: number): Float64Array {
  const classesOf = images.map(({ labels }) => [...new Set(labels)])
  const imagesWith = new Map<number, number>()
  for (const label of classesOf.flat()) imagesWith.set(label, (imagesWith.get(label) ?? 0) + 1)
  const factorOf = (label: number) => Math.sqrt((threshold * images.length) / imagesWith.get(label)!)
  return Float64Array.from(classesOf, (labels) => Math.max(1, ...labels.map(factorOf)))
}

/** How many images an epoch has with these factors: always the same. */
export function repeatedLength(factors: Float64Array): number {
  const { whole, rest } = parts(factors)
  return whole + rest
}

/**
 * Which images an epoch has: position p of `factors` stands for image p the first time, p + R, p + 2R, ... for its
 * repetitions (R images). Each comes as often as its factor's whole part, and by chance once more for the rest of it.
 * @source the chances are detectron2's; drawn together, not image by image, so that every epoch is equally long
 */
export function drawRepeats(factors: Float64Array, random: Random): number[] {
  const { rest, fractions } = parts(factors)
  const order = Int32Array.from(factors, (_, image) => image)
  shuffleFirst(order, order.length, random)
  const counts = Int32Array.from(factors, Math.floor)
  // A comb of `rest` teeth one apart, laid over the fractions in random order from a random start.
  const scale = rest / fractions
  const start = random.uniform()
  let passed = 0
  let tooth = 0
  for (const [place, image] of order.entries()) {
    passed = place + 1 < order.length ? passed + fractionOf(factors[image]!) * scale : rest
    for (; tooth < rest && tooth + start < passed; tooth++) counts[image]!++
  }
  const drawn: number[] = []
  for (const [image, count] of counts.entries()) {
    for (let turn = 0; turn < count; turn++) drawn.push(image + turn * factors.length)
  }
  return drawn
}

const fractionOf = (factor: number) => factor - Math.floor(factor)

function parts(factors: Float64Array): { whole: number; fractions: number; rest: number } {
  const whole = factors.reduce((sum, factor) => sum + Math.floor(factor), 0)
  const fractions = factors.reduce((sum, factor) => sum + fractionOf(factor), 0)
  return { whole, fractions, rest: Math.round(fractions) }
}
