import { join, resolve, sep } from "node:path"
import { UsageError } from "../core/errors.js"
import type { ImageSource } from "../predict/image-source.js"
import type { SourceImage } from "../predict/source-image.js"
import { resultNames } from "./detection-record.js"

/**
 * The images of a source without those that runs like this one have written, or would write: else a run would feed on its own
 * pictures.
 * @param output the run's folder, or the one of all runs
 * @throws UsageError for a source whose images the run's pictures would be mixed with
 */
export function outsideOutput(
  source: ImageSource,
  output: string,
): { readonly images: AsyncIterable<SourceImage>; readonly count: number | undefined } {
  const below = (path: string, folder: string) => (resolve(path) + sep).startsWith(resolve(folder) + sep)
  // A pattern has no folder of its own; what it finds is looked at one by one.
  const isInside = below(source.source, output)
  const written = isInside ? resultNames.folders.map((name) => join(output, name)) : [output]
  const mixed = isInside ? written.find((folder) => below(source.source, folder)) : undefined
  if (mixed !== undefined) {
    throw new UsageError(`--out ${output}: ${mixed} holds the images of --source. Choose another --out`)
  }
  const folders = written.map((folder) => resolve(folder) + sep)
  const isWanted = (file: string) => !folders.some((folder) => file.startsWith(folder))
  return {
    count: source.count(isWanted),
    images: {
      async *[Symbol.asyncIterator]() {
        for await (const image of source) if (isWanted(image.file)) yield image
      },
    },
  }
}
