import { join } from "node:path"
import type { PublishedFile } from "./download.js"

/** Weights that torchvision publishes. */
export interface PublishedWeights extends PublishedFile {
  readonly name: string
  readonly kind: "classifier" | "detector"
  /** The network that it fills. */
  readonly model: string
  readonly file: string
  /** Millions of bytes, about. */
  readonly megabytes: number
  /** As the publisher measured it. */
  readonly accuracy: string
  readonly licence: string
}

const imagenet = "BSD-3-Clause; trained on ImageNet, whose images are for non-commercial research"
const coco = "BSD-3-Clause; trained on COCO, whose annotations are CC BY 4.0"

/**
 * torchvision's file names carry the first 8 hex digits of the SHA-256.
 * @source torchvision/models/resnet.py, detection/faster_rcnn.py: ResNet18_Weights .. FasterRCNN_ResNet50_FPN_Weights
 */
const files: readonly (readonly [name: string, file: string, megabytes: number, top1: number])[] = [
  ["resnet18", "resnet18-f37072fd.pth", 46.8, 69.758],
  ["resnet34", "resnet34-b627a593.pth", 87.3, 73.314],
  ["resnet50", "resnet50-0676ba61.pth", 102.5, 76.13],
  ["resnet50-v2", "resnet50-11ad3fa6.pth", 102.5, 80.858],
  ["resnet101", "resnet101-63fe2227.pth", 178.8, 77.374],
  ["resnet101-v2", "resnet101-cd907fc2.pth", 178.8, 81.886],
  ["resnet152", "resnet152-394f9c45.pth", 241.6, 78.312],
  ["resnet152-v2", "resnet152-f82ba261.pth", 241.7, 82.284],
]

/** Where torchvision's files are published. */
const server = "https://download.pytorch.org/models"

/** All that there are. @param from another server that has the files under the same names */
export function publishedWeights(from: string = server): readonly PublishedWeights[] {
  const published = (file: string) => ({
    file,
    url: `${from.replace(/\/+$/, "")}/${file}`,
    check: { algorithm: "sha256", hex: /-([0-9a-f]{8})\.pth$/.exec(file)![1]! } as const,
  })
  const classifiers = files.map(([name, file, megabytes, top1]): PublishedWeights => {
    const about = { megabytes, accuracy: `ImageNet top-1 ${top1} %`, licence: imagenet }
    return { name, kind: "classifier", model: name.replace(/-v2$/, ""), ...published(file), ...about }
  })
  const detector: PublishedWeights = {
    name: "fasterrcnn_resnet50_fpn",
    kind: "detector",
    model: "fasterrcnn_resnet50_fpn",
    ...published("fasterrcnn_resnet50_fpn_coco-258fb6c6.pth"),
    ...{ megabytes: 167.5, accuracy: "COCO val2017 AP 37.0", licence: coco },
  }
  return [...classifiers, detector]
}

/** What `--weights` takes beside files: the names of published weights, and the two that say what is wanted. */
const weightsNames: ReadonlySet<string> = new Set([...publishedWeights().map(({ name }) => name), "imagenet", "coco"])
export const isWeightsName = (text: string): boolean => weightsNames.has(text)

/** Where fetched weights lie. */
export const weightsFolder = (cache: string): string => join(cache, "weights")
