import { assemble, type DetectorLayers } from "./build.js"
import { FasterRcnn } from "./faster-rcnn.js"
import type { FasterRcnnOptions } from "./options.js"

/**
 * A detector that tells when it is through with a phase of its work, for benchmarks: `backbone`, `rpn` (its losses too),
 * `proposals`, `roi`.
 * @param onPhase is called behind each, maybe more than once a step
 */
export function assembleWithPhases(
  layers: DetectorLayers,
  options: FasterRcnnOptions,
  onPhase: (phase: string) => void,
): FasterRcnn {
  const { backbone, rpnHead } = layers
  const { rpn, roiHeads } = assemble(
    {
      ...layers,
      rpnHead: {
        apply: then("rpn", rpnHead.apply.bind(rpnHead)),
        places: rpnHead.places.bind(rpnHead),
        applyAt: rpnHead.applyAt.bind(rpnHead),
      },
    },
    options,
  )
  return new FasterRcnn(
    {
      backbone: {
        ...backbone,
        features: then("backbone", backbone.features.bind(backbone)),
        ...(backbone.train && { train: then("backbone", backbone.train.bind(backbone)) }),
      },
      rpn: {
        propose: later("proposals", rpn.propose.bind(rpn)),
        proposeOffTape: then("proposals", rpn.proposeOffTape.bind(rpn)),
        losses: then("rpn", rpn.losses.bind(rpn)),
      },
      roiHeads: {
        boxFeatures: roiHeads.boxFeatures.bind(roiHeads),
        predict: later("roi", roiHeads.predict.bind(roiHeads)),
        losses: then("roi", roiHeads.losses.bind(roiHeads)),
        testLosses: then("roi", roiHeads.testLosses.bind(roiHeads)),
      },
    },
    options,
  )

  function then<Args extends unknown[], Result>(phase: string, work: (...args: Args) => Result) {
    return (...args: Args): Result => {
      const result = work(...args)
      onPhase(phase)
      return result
    }
  }

  function later<Args extends unknown[], Result>(phase: string, work: (...args: Args) => Promise<Result>) {
    return async (...args: Args): Promise<Result> => {
      const result = await work(...args)
      onPhase(phase)
      return result
    }
  }
}
