import { createReadStream, createWriteStream, readdirSync, renameSync, rmSync } from "node:fs"
import { basename, join } from "node:path"
import { pipeline } from "node:stream/promises"
import { Zip, ZipDeflate } from "fflate"
import { create } from "tar"
import { withoutEnding } from "../../datasets/folder.js"
import { partBeside, WriteError } from "../core/write-whole.js"
import type { Submission } from "./submissions.js"

/**
 * Packs a format's result files as a server takes them.
 * - `voc`: `results.tgz` with `results/VOC2012/Main/comp4_det_test_<class>.txt`
 * - `coco`: `detections_<set>_<method>_results.zip` with the JSON file of that name
 * - `imagenet-det`: the text file as it is
 * @param folder of the result files
 * @param set the name of the test set in COCO's file names, such as `test-dev2017`
 * @returns the file to upload
 * @throws WriteError when it cannot be written
 * @source VOC2012 development kit, section 8.3 and the server's page; cocodataset.org, "Upload: results format"
 */
export async function packSubmission(submission: Submission, folder: string, set: string): Promise<string> {
  if (submission === "imagenet-det") return join(folder, "imagenet_det.txt")
  if (submission === "voc") {
    const cwd = join(folder, "voc")
    return whole(join(folder, "results.tgz"), (file) =>
      create({ cwd, file, gzip: true, portable: true, prefix: "results/VOC2012/Main" }, readdirSync(cwd).sort()),
    )
  }
  const name = `detections_${set}_resdet_results`
  return whole(join(folder, `${name}.zip`), (file) => zipOne(join(folder, "coco_results.json"), `${name}.json`, file))
}

/** The set that a ground truth's file or the source's folder names. */
export function setName(path: string): string {
  const name = withoutEnding(basename(path))
  return name.replace(/^(instances|image_info)_/, "").replaceAll(/[^\w.-]/g, "-")
}

/** A zip archive of one file, which is read and packed piece by piece. */
async function zipOne(from: string, name: string, to: string): Promise<void> {
  await pipeline(async function* () {
    let packed: Uint8Array[] = []
    const zip = new Zip((error, chunk) => {
      if (error) throw error
      packed.push(chunk)
    })
    const entry = new ZipDeflate(name)
    zip.add(entry)
    for await (const chunk of createReadStream(from)) {
      entry.push(chunk as Uint8Array)
      yield* packed
      packed = []
    }
    entry.push(new Uint8Array(0), true)
    zip.end()
    yield* packed
  }, createWriteStream(to))
}

/** Writes a file beside its place and puts it there. */
async function whole(path: string, write: (part: string) => Promise<unknown>): Promise<string> {
  const part = partBeside(path)
  try {
    await write(part)
    renameSync(part, path)
    return path
  } catch (error) {
    rmSync(part, { force: true })
    throw new WriteError(path, error)
  }
}
