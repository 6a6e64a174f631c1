import { extname, relative, resolve, sep } from "node:path"
import { withDefaults } from "../src/core/options.js"
import { labelsByName } from "./classes.js"
import type { Dataset, ImageRecord } from "./dataset.js"
import { FaultLog, withPolicies } from "./faults.js"
import { withoutEnding } from "./folder.js"
import { imageFileSize, type UprightSize } from "./image/file-size.js"
import { foreignPicture } from "./image/foreign.js"
import { type ReadOptions, readDefaults } from "./options.js"
import { buildRecord } from "./record.js"
import {
  hasScore,
  type LabelFile,
  LabelFinder,
  labelPlaces,
  labelRule,
  parseLabel,
  readLabelFile,
} from "./yolo-labels.js"
import { yoloImages } from "./yolo-places.js"
import { findYoloSettings, readYoloSettings } from "./yolo-settings.js"

/**
 * Reads a YOLO data set from its `data.yaml` (or any yaml like it, or darknet's `obj.data`), or a folder with one. Paths are
 * relative to the yaml file (or to its `path`), never to a hidden setting. A line is `class cx cy w h` in parts of the
 * image, the same with a score or keypoints, which are not used, or a polygon, whose extent counts. An image without a label file has no objects.
 * @throws DataError when there is no such file or split, or a policy says so
 */
export async function readYolo(source: string, overrides: Partial<ReadOptions> = {}): Promise<Dataset> {
  const options = withDefaults("readYolo", readDefaults, overrides)
  const { "missing-image": missing = "skip", ...policies } = options.policies
  // Labels are shares of the photo: without it their boxes are not known.
  const log = new FaultLog(withPolicies({ ...policies, "missing-image": missing === "keep" ? "skip" : missing }))
  const settings = readYoloSettings(findYoloSettings(source) ?? resolve(source))
  const { root, names } = settings
  const classes = options.classes ?? [...new Set(names)]
  const labels = labelsByName(classes)
  const notices = [...settings.notices]
  const named = (path: string) => relative(root, path).split(sep).join("/")
  const listed = yoloImages(settings, options.split, options.followLinks, log, notices)
  const finder = new LabelFinder()
  const found: { file: string; name: string; size: UprightSize; usual: string; labels: LabelFile | undefined }[] = []
  for (const { file, name, place } of listed) {
    if (file === undefined) {
      log.report("missing-image", name, "the listed image is missing")
      continue
    }
    const size = await imageFileSize(file).catch(() => undefined)
    if (size === undefined) {
      log.report("unreadable-image", named(file), foreignPicture(file) ?? "its header is not that of an image")
      continue
    }
    const places = labelPlaces(file, place, root)
    found.push({ file, name, size, usual: places[0]!, labels: readLabels(finder.find(places), named, log) })
  }
  const files = found.flatMap((one) => one.labels ?? [])
  if (files.length === 0 && found.length > 0) {
    notices.push(`0 of ${found.length} images have a label file; looked for ${named(found[0]!.usual)}`)
  }
  const scored = files.reduce((sum, { lines }) => sum + lines.filter(hasScore).length, 0)
  if (scored > 0)
    notices.push(`label lines with a sixth number, a score: ${scored}. Their boxes are used, the scores are not`)
  const rule = labelRule(files, settings.keypoints)
  if (rule.keypoints !== undefined) notices.push(`the labels are those of poses: boxes are used, keypoints are not`)
  const images: ImageRecord[] = []
  for (const { file, name, size, usual, labels: labelFile } of found) {
    const where = named(labelFile?.path ?? usual)
    const objects = (labelFile?.lines ?? []).flatMap((line) =>
      parseLabel(line, { ...rule, size, names, labels, where, log }),
    )
    const id = withoutEnding(name) || name.slice(0, -extname(name).length)
    images.push(
      buildRecord(
        { id, imageId: images.length + 1, file, width: size.width, height: size.height },
        objects,
        where,
        log,
      ),
    )
  }
  const categoryIds = classes.map((_, index) => index + 1)
  return { format: "yolo", source, split: options.split, classes, categoryIds, images, faults: log.faults, notices }
}

/** True for what `readYolo` reads; `here`: only where the settings lie in the folder itself. */
export function isYolo(source: string, where: "here" | "below" = "below"): boolean {
  return findYoloSettings(source, where) !== undefined
}

function readLabels(path: string | undefined, named: (path: string) => string, log: FaultLog): LabelFile | undefined {
  if (path === undefined) return undefined
  try {
    return readLabelFile(path)
  } catch (error) {
    log.report("broken-annotation", named(path), (error as Error).message.replaceAll(/\s+/g, " "))
    return { path, lines: [] }
  }
}
