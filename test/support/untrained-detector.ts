import { Parameters } from "../../src/core/parameters.js"
import type { Random } from "../../src/core/random.js"
import { buildFasterRcnn } from "../../src/detector/build.js"
import { modelDefaults } from "../../src/detector/model.js"
import { type FasterRcnnOptions, fasterRcnnDefaults } from "../../src/detector/options.js"
import { saveDetector } from "../../src/weights/save.js"

/**
 * Writes a ResNet-18 C4 detector as it is before training, for photos of 64 pixels, with few proposals of few bins.
 * @param files paths with the names of the classes, as many in each: the same weights go to all
 */
export function saveUntrained(
  files: Readonly<Record<string, readonly string[]>>,
  seed: number,
  wishes: Partial<FasterRcnnOptions> = {},
): void {
  const { proposals } = fasterRcnnDefaults
  const few = { train: proposals.train, test: { ...proposals.test, postNmsTopN: 6 } }
  const align = { ...fasterRcnnDefaults.align, size: 4 }
  const options = { ...fasterRcnnDefaults, proposals: few, align, ...wishes }
  const sizes = { size: 64, maxSize: 128, norm: "group", frozen: 0 } as const
  const config = { ...modelDefaults, ...sizes, model: "fasterrcnn_resnet18_c4", options }
  const parameters = new Parameters(quickRandom(seed))
  buildFasterRcnn(parameters, config, Object.values(files)[0]!.length)
  for (const [path, classes] of Object.entries(files)) {
    saveDetector(path, parameters, { config, classes, categoryIds: classes.map((_, k) => k + 1), training: {} })
  }
  parameters.dispose()
}

/** Millions of first values in no time: uniform ones of deviation 1 for normal ones. */
export function quickRandom(seed: number): Random {
  let state = seed
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    return (state >>> 0) / 2 ** 32
  }
  return {
    uniform,
    integer: (below) => Math.floor(below * uniform()),
    normal: () => Math.sqrt(12) * (uniform() - 0.5),
  }
}
