import { isPictureName } from "../../datasets/folder.js"

/** One image of a source. */
export interface SourceImage {
  /** Absolute path; empty where there is none, as of a member of an archive. */
  readonly file: string
  /** The bytes of an image that is no file of its own. */
  readonly bytes?: Uint8Array
  /** Relative to the source, with `/` between the parts; never leads out of it. */
  readonly path: string
  /** `path` without its ending, kept where two images of the source would else share it: a safe name for output. */
  readonly stem: string
  /** Of a video: which frame, from 0, and at which second. */
  readonly frame?: number
  readonly time?: number
}

/** Whether a file's name ends like an image's, also of a kind that is not decoded: that is told then, not passed over. */
export function isImageName(name: string): boolean {
  return isPictureName(name)
}
