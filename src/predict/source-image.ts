import { extname } from "node:path"
import { imageEndings } from "../../datasets/folder.js"

/** One image of a source. */
export interface SourceImage {
  /** Absolute path. */
  readonly file: string
  /** Relative to the source, with `/` between the parts; never leads out of it. */
  readonly path: string
  /** `path` without its ending, kept where two images of the source would else share it: a safe name for output. */
  readonly stem: string
}

/** Whether a file's name ends like an image's. */
export function isImageName(name: string): boolean {
  return imageEndings.includes(extname(name).toLowerCase())
}
