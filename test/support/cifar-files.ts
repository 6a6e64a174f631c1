import { writeFiles } from "../datasets/samples.js"
import { colouredPictures } from "./made-up-pictures.js"

/** Writes twelve training and six test pictures of `colouredPictures` as CIFAR-10's binary files. */
export function writeCifarFiles(folder: string): void {
  writeFiles(folder, {
    "data_batch_1.bin": records(12, 1),
    "test_batch.bin": records(6, 2),
    "batches.meta.txt": "red\ngreen\nblue\n",
  })
}

function records(count: number, seed: number): Buffer {
  const { pixels, labels } = colouredPictures(count, 32, seed)
  return Buffer.concat(
    Array.from(labels, (label, n) => {
      const planes = [0, 1, 2].flatMap((c) => Array.from({ length: 1024 }, (_, i) => pixels[3 * (1024 * n + i) + c]!))
      return Buffer.from([label, ...planes])
    }),
  )
}
