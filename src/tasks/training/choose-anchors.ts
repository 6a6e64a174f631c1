import type { Dataset, ImageRecord } from "../../../datasets/dataset.js"
import { PhotoFaults } from "../../../datasets/photo-faults.js"
import { withPhotoSizes } from "../../../datasets/photo-size.js"
import { type ModelConfig, ownModel } from "../../detector/model.js"
import { searchAnchors } from "../../rpn/anchor-search.js"
import { type AnchorFit, anchorFit } from "../anchor-report.js"
import { fitObjects } from "../fit-anchors.js"
import type { Listener } from "../hooks.js"

/** At most so many images are looked at, evenly spread: more change no line. */
const looked = 2000

/** Below one of these recalls other anchors are advised. @source ours: at IoU 0.7 an anchor is a positive one as it is */
const low = { recall50: 0.95, recall70: 0.5 } as const

/**
 * Tells how well a detector's anchors fit the training data and how many objects are tiny, and takes anchors that fit
 * better where that is asked for.
 * @param anchors `auto`: as many sizes and ratios as there are, that fit the data better
 */
export async function chooseAnchors(
  model: ModelConfig,
  training: Dataset,
  anchors: "auto" | undefined,
  { log }: Pick<Listener, "log">,
): Promise<ModelConfig> {
  // The maps of a program's own backbone are known once it is built.
  if (model.model === ownModel) return model
  const objects = fitObjects(await sampleOf(training), model)
  if (objects.labels.length === 0) return model
  const before = anchorFit(model, objects)
  if (anchors !== "auto") {
    const { recall50, recall70 } = before.anchors
    const isLow = recall50 < low.recall50 || recall70 < low.recall70
    const advice = isLow ? "; --anchors auto looks for better ones" : ""
    log(`${fitLine(before)}${advice}`)
    tellTiny(before, log)
    return model
  }
  const better = searchAnchors(objects.images, model.options.anchors)
  const chosen = { ...model, options: { ...model.options, anchors: better } }
  const after = anchorFit(chosen, objects)
  log(`${fitLine(after)}; those before: ${fitText(before)}`)
  tellTiny(after, log)
  return chosen
}

async function sampleOf({ images, source }: Dataset): Promise<readonly ImageRecord[]> {
  const every = Math.ceil(images.length / looked)
  const sample = images.filter((_, i) => i % every === 0)
  const unknown = sample.filter(({ width, height }) => width === 0 || height === 0)
  // What is wrong with a photo is told when it is loaded.
  const sized = await withPhotoSizes(unknown, new PhotoFaults(source))
  return [...sample.filter((image) => !unknown.includes(image)), ...sized]
}

const fitLine = ({ anchors }: AnchorFit): string =>
  `anchors: sizes ${anchors.sizes.join(", ")}; ratios ${anchors.ratios.join(", ")}; best possible recall ${fitText({ anchors })}`

const fitText = ({ anchors: { recall50, recall70 } }: Pick<AnchorFit, "anchors">): string =>
  `${percent(recall50)} at IoU 0.5, ${percent(recall70)} at 0.7`

function tellTiny({ cell, larger }: AnchorFit, log: Listener["log"]): void {
  if (larger === null) return
  log(
    `${percent(cell.smaller)} of the objects are smaller than a cell of ${cell.stride} pixels after resizing: ` +
      `--size ${larger.size} --max-size ${larger.maxSize} makes that ${percent(larger.smaller)}`,
  )
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`
