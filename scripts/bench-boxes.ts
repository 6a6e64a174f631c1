/**
 * Milliseconds of what runs on plain arrays in a step: anchors, proposals, matching; the median of 30 rounds on made-up
 * logits and deltas. `node dist/scripts/bench-boxes.js`
 */

import { concatFloat32 } from "../src/boxes/boxes.js"
import { seededRandom } from "../src/core/random.js"
import { anchorDefaults, levelAnchors } from "../src/rpn/anchors.js"
import { type ProposalOptions, proposeBoxes, trainProposalDefaults } from "../src/rpn/proposals.js"
import { rpnMatchDefaults, rpnSampleDefaults, rpnTargets } from "../src/rpn/targets.js"
import { machine } from "../src/tasks/bench-phases.js"

const ROUNDS = 30
const random = seededRandom(0)
const noCrowds = new Float64Array(0)

/** The maps of a 600x1000 photo at stride 16, and those of a pyramid at 800x1066. */
const detectors = {
  "C4, 600x1000": { levels: [[38, 63]], stride: 16, size: [600, 1000], proposals: trainProposalDefaults },
  "FPN, 800x1066": {
    levels: [
      [200, 268],
      [100, 134],
      [50, 67],
      [25, 34],
      [13, 17],
    ],
    stride: 4,
    size: [800, 1066],
    proposals: { ...trainProposalDefaults, preNmsTopN: 2000 },
  },
} as const

process.stdout.write(`${machine}\n`)
for (const name of Object.keys(detectors) as (keyof typeof detectors)[]) bench(name)

function bench(name: keyof typeof detectors): void {
  const { levels, stride, size, proposals } = detectors[name]
  const options = { ...anchorDefaults, stride }
  const grid = levelAnchors(levels, options)
  const anchors = concatFloat32(grid)
  const count = anchors.length / 4
  const logits = Float32Array.from({ length: count }, () => random.normal())
  const deltas = Float32Array.from({ length: 4 * count }, () => 0.3 * random.normal())
  const truths = (objects: number) =>
    Float64Array.from(
      Array.from({ length: objects }).flatMap(() => {
        const [left, top] = [random.integer(size[1] - 100), random.integer(size[0] - 100)]
        return [left, top, left + 20 + random.integer(80), top + 20 + random.integer(80)]
      }),
    )
  const rows: Record<string, () => unknown> = {
    anchors: () => levelAnchors(levels, options),
    [proposalsOf(proposals)]: () => proposeBoxes(grid, logits, deltas, size, proposals),
  }
  for (const objects of [10, 300]) {
    const own = truths(objects)
    const rules = { match: rpnMatchDefaults, sample: rpnSampleDefaults }
    rows[`matching with ${objects} truths`] = () => rpnTargets(anchors, own, noCrowds, rules, random)
  }
  process.stdout.write(`${name}, ${count} anchors\n`)
  for (const [row, run] of Object.entries(rows)) process.stdout.write(`  ${row.padEnd(44)}${median(run).toFixed(2)}\n`)
}

function proposalsOf({ preNmsTopN, postNmsTopN }: ProposalOptions): string {
  return `${postNmsTopN} proposals of ${preNmsTopN} anchors a level`
}

function median(run: () => unknown): number {
  const times = Array.from({ length: ROUNDS }, () => {
    const start = performance.now()
    run()
    return performance.now() - start
  })
  return times.sort((a, b) => a - b)[ROUNDS / 2]!
}
