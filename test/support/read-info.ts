import { Checkpoint } from "../../src/weights/checkpoint.js"
import type { ClassifierInfo, DetectorInfo, LocalizerInfo } from "../../src/weights/model-info.js"

const modelOf = (path: string) => {
  using checkpoint = Checkpoint.open(path)
  return checkpoint.model
}

/** What the file tells of itself; `undefined` for a file of another kind. */
export function readDetectorInfo(path: string): DetectorInfo | undefined {
  const model = modelOf(path)
  return model.kind === "detector" ? model.info : undefined
}

export function readClassifierInfo(path: string): ClassifierInfo | undefined {
  const model = modelOf(path)
  return model.kind === "classifier" ? model.info : undefined
}

export function readLocalizerInfo(path: string): LocalizerInfo | undefined {
  const model = modelOf(path)
  return model.kind === "localizer" ? model.info : undefined
}

/** What `use` makes of a file, or of none. */
export function withCheckpoint<Result>(path: string, use: (checkpoint: Checkpoint) => Result): Result {
  using checkpoint = Checkpoint.open(path)
  return use(checkpoint)
}
