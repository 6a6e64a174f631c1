import type { RgbImage } from "../../datasets/image/rgb.js"
import { UserError } from "../core/errors.js"
import { userError } from "./detect-images.js"
import type { OpenedInput } from "./image-input.js"
import type { DecodeImage } from "./pixel-detector.js"

/** A network that takes images as programs have them, and runs in this thread or in others. */
export interface ImageModel<Options, Result> {
  /** How many jobs keep it busy: one is looked at while the next is decoded. */
  readonly jobs: number
  /**
   * @returns for each image what was found in it, or why it cannot be opened
   * @throws what is not one image's fault
   */
  run(images: readonly OpenedInput[], options: Options): Promise<readonly (Result | UserError)[]>
  dispose(): void
}

/** What an `ImageModel` is made of. */
export interface ModelParts<Options, Result> {
  readonly decode: DecodeImage
  /** One call at a time. */
  infer(images: readonly RgbImage[], options: Options): Promise<readonly Result[]>
  dispose(): void
}

/** A network in this thread. */
export function imageModel<Options, Result>(parts: ModelParts<Options, Result>): ImageModel<Options, Result> {
  let turn: Promise<unknown> = Promise.resolve()
  return {
    jobs: 2,
    async run(images, options) {
      const opened = await Promise.all(images.map(({ source }) => parts.decode(source).catch(userError)))
      return withFailures(opened, (pixels) => {
        const results = turn.then(() => parts.infer(pixels, options))
        turn = results.catch(() => undefined)
        return results
      })
    },
    dispose: () => parts.dispose(),
  }
}

/** Results of what could be opened; what could not keeps its place, and its error. */
export async function withFailures<Opened, Result>(
  opened: readonly (Opened | UserError)[],
  run: (some: readonly Opened[]) => Promise<readonly Result[]>,
): Promise<(Result | UserError)[]> {
  const some = opened.filter((one): one is Opened => !(one instanceof UserError))
  const results = some.length === 0 ? [] : [...(await run(some))]
  return opened.map((one) => (one instanceof UserError ? one : results.shift()!))
}
