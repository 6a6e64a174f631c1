import type { Dataset, ImageRecord } from "../../datasets/dataset.js"
import type { Detections } from "../boxes/boxes.js"
import type { CocoId } from "../json/coco-id.js"
import { StagedFile } from "../predict/staged-file.js"

/**
 * What a detector found in a data set, as COCO's results array: to be scored again without it. Numbers have all their digits, so
 * that the scores are the same. Images of data that have no ids of their own go by their names.
 */
export class ResultsFile {
  readonly #file: StagedFile
  readonly #dataset: Pick<Dataset, "format" | "categoryIds">
  #isEmpty = true

  constructor(path: string, dataset: Pick<Dataset, "format" | "categoryIds">) {
    this.#file = new StagedFile(path)
    this.#dataset = dataset
    this.#file.write("[")
  }

  add({ id, imageId }: Pick<ImageRecord, "id" | "imageId">, { boxes, scores, labels }: Detections): void {
    const image = this.#dataset.format === "coco" ? idText(imageId) : JSON.stringify(id)
    for (const [d, score] of scores.entries()) {
      const [x1, y1, x2, y2] = boxes.subarray(4 * d, 4 * d + 4) as unknown as [number, number, number, number]
      const category = idText(this.#dataset.categoryIds[labels[d]! - 1]!)
      const box = [x1, y1, x2 - x1, y2 - y1].join(",")
      this.#file.write(
        `${this.#isEmpty ? "" : ","}\n{"image_id":${image},"category_id":${category},"bbox":[${box}],"score":${score}}`,
      )
      this.#isEmpty = false
    }
  }

  finish(): void {
    this.#file.write("\n]\n")
    this.#file.finish()
  }

  /** Leaves nothing behind. */
  discard(): void {
    this.#file.discard()
  }
}

/** As COCO's files have it; JSON.stringify knows no whole number beyond 2^53. */
const idText = (id: CocoId) => (typeof id === "bigint" ? String(id) : JSON.stringify(id))
