import { rmSync } from "node:fs"
import { join } from "node:path"
import type { Dataset } from "../../../datasets/dataset.js"
import type { Progress } from "../hooks.js"
import type { TrainHooks } from "../training/train-result.js"
import type { Pace } from "./search.js"

/** Steps and validation images of the short run that is timed. @source ours */
const timed = { steps: 8, every: 2, images: 4 } as const

/** Trains into a folder: so many steps, validated on these images, told so often. */
type Train = (
  run: { readonly out: string; readonly steps: number; readonly logEvery: number; readonly valData: Dataset },
  hooks: TrainHooks,
) => Promise<unknown>

/** Times a short run, which leaves nothing behind. */
export async function measurePace(folder: string, validation: Dataset, train: Train, hooks: TrainHooks): Promise<Pace> {
  const out = join(folder, "pace")
  const steps: number[] = []
  const looked: number[] = []
  const valData = { ...validation, images: validation.images.slice(0, timed.images) }
  const begun = performance.now()
  rmSync(out, { recursive: true, force: true })
  await train(
    { out, steps: timed.steps, logEvery: timed.every, valData },
    {
      signal: hooks.signal,
      onStep: ({ stepMs }) => void steps.push(stepMs / 1000),
      onProgress: ({ job }: Progress) => {
        if (job === "validate") looked.push(performance.now() / 1000)
      },
    },
  )
  const wall = (performance.now() - begun) / 1000
  rmSync(out, { recursive: true, force: true })
  // The first steps start threads and compile.
  const settled = steps.slice(1)
  const step = settled.reduce((sum, one) => sum + one, 0) / settled.length
  const image = (looked.at(-1)! - looked[0]!) / Math.max(1, looked.length - 1)
  return { step, image, around: Math.max(0, wall - timed.steps * step - valData.images.length * image) }
}
