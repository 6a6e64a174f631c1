import { readCocoTruths } from "../eval/coco-stream.js"
import { FindImage } from "../eval/find-image.js"
import { readBytes } from "../json/read-bytes.js"
import type { ImageIds } from "../predict/image-ids.js"

/**
 * The image ids of a COCO file, by the images' names.
 * @throws DataError for a file that is not COCO's; of `idOf` for a name that two of its images share
 */
export async function truthImageIds(path: string): Promise<ImageIds> {
  const truths = await readCocoTruths(readBytes(path), path)
  const find = new FindImage(truths)
  return {
    from: "ground truth",
    idOf({ path: name }) {
      const place = find.named(name)
      return place < 0 ? undefined : (truths.givenImageIds?.[place] ?? truths.imageIds[place]!)
    },
  }
}

/** What COCO's results have for image ids, as a line. */
export function imageIdsLine(from: ImageIds["from"]): string {
  const meaning = {
    "ground truth": "those of --gt; images that it lacks are left out",
    names: "the numbers in the images' names",
    places:
      "the images' places in the source, from 1, as their names have no numbers of their own (--gt FILE takes COCO's)",
  }
  return `coco_results.json: image ids are ${meaning[from]}; coco_images.json says which image each is`
}
