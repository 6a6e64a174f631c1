import { z } from "zod"
import { type ResNetOptions, resNetDefaults } from "../backbone/architecture.js"
import { type CifarOptions, cifarDefaults, networkNames } from "../backbone/networks.js"
import { DataError } from "../core/errors.js"
import { imageNet, type Normalisation } from "../core/normalisation.js"
import { batchNormEpsilon } from "../engine/ops/batch-norm.js"
import { isDetectron, isDetectron2 } from "./detectron2.js"
import type { ModelDescription } from "./model-info.js"
import { networkOfShapes, shortcutOfNames } from "./network-shapes.js"
import type { StoredFile, StoredTensor } from "./stored.js"

/** The order in which a network's first filters take colours. */
export type Colors = "rgb" | "bgr"

/** What a weights file says of the network in it: by its metadata, by whose file it is, by its names and shapes. */
export interface Origin extends Pick<ResNetOptions, "shortcut">, Pick<CifarOptions, "zeros"> {
  /** Whose conventions the file follows. */
  readonly name: "resdet" | "torchvision" | "detectron2" | "MSRA" | "Caffe"
  /** Such as `resnet50` or `cifar_resnet20`; undefined where neither metadata nor shapes tell. */
  readonly network: string | undefined
  /** Where bottleneck blocks have their stride; undefined where the file leaves it in doubt. */
  readonly strideIn: ResNetOptions["strideIn"] | undefined
  /** Why the stride is in doubt. */
  readonly doubt?: string
  readonly colors: Colors
  /** How values enter. */
  readonly input: Normalisation
  /** What batch norms add to their variance. */
  readonly epsilon: number
}

/** What metadata say in keys of their own, as `resdet import --allow-missing` writes them. */
const statements = {
  strideIn: z.enum(["3x3", "1x1"]),
  shortcut: z.enum(["A", "B", "C"]),
  zeros: z.enum(["after", "both"]),
  colors: z.enum(["rgb", "bgr"]),
} as const

/**
 * What `file` says of its network.
 * @param names its tensors by torchvision's names
 * @throws DataError for a key of the metadata with a value that makes no sense
 */
export function originOf(
  file: StoredFile,
  names: ReadonlyMap<string, StoredTensor>,
  description: ModelDescription,
): Origin {
  const shapes = new Map([...names].map(([name, { shape }]) => [name, shape]))
  switch (description.kind) {
    case "detector": {
      const { input, strideIn, shortcut, model } = description.info.config
      return { ...ours, input, strideIn, shortcut, network: /resnet\d+/.exec(model)?.[0] }
    }
    case "classifier":
    case "localizer": {
      const { network, options, mean, std } = description.info.config
      return { ...ours, network, ...options, input: { mean, std } }
    }
    default: {
      const { metadata } = file
      const habits = foreignHabits(file)
      return {
        ...habits,
        ...(Object.hasOwn(metadata, "strideIn") && { strideIn: stated(metadata, "strideIn")! }),
        colors: stated(metadata, "colors") ?? habits.colors,
        input: { ...habits.input, ...statedInput(metadata) },
        network: statedNetwork(metadata) ?? networkOfShapes(shapes),
        shortcut: stated(metadata, "shortcut") ?? shortcutOfNames(shapes),
        zeros: stated(metadata, "zeros") ?? (isAkamaster(file) ? "both" : zeros),
        epsilon: epsilonOf(file),
      }
    }
  }
}

const { strideIn, shortcut } = resNetDefaults
const { zeros } = cifarDefaults
const ours = { name: "resdet", colors: "rgb", epsilon: batchNormEpsilon, strideIn, shortcut, zeros } as const

type Habits = Pick<Origin, "name" | "strideIn" | "doubt" | "colors" | "input">

/** @source torchvision's weights: RGB, ImageNet's mean and std, stride in the 3x3 */
const torchvision: Habits = { name: "torchvision", strideIn: "3x3", colors: "rgb", input: imageNet }

/** Values 0..255 less ImageNet's mean. @source detectron2 config/defaults.py: PIXEL_MEAN, PIXEL_STD */
const withoutStd: Normalisation = { mean: imageNet.mean, std: [1 / 255, 1 / 255, 1 / 255] }

/**
 * @source detectron2 config/defaults.py: BGR, no std, STRIDE_IN_1X1, for the MSRA backbones and the models from them;
 * tools/convert-torchvision-to-d2.py names torchvision as the author of backbones that are otherwise
 */
const detectron2: Habits = { name: "detectron2", strideIn: "1x1", colors: "bgr", input: withoutStd }

function foreignHabits(file: StoredFile): Habits {
  if (!isDetectron2(file.tensors)) return doubted(file)
  if (file.author === "torchvision") return { ...torchvision, name: "detectron2" }
  if (isDetectron(file.tensors)) return { ...detectron2, name: "MSRA" }
  return { ...detectron2, ...pixelBuffers(file.tensors) }
}

/**
 * Prose that speaks of Caffe, or of the stride, puts torchvision's habit in doubt: the paper's released models have the
 * stride in the first 1x1, and weights of both are the same in name and shape.
 */
function doubted({ metadata }: StoredFile): Habits {
  const prose = Object.entries(metadata).find(([key, text]) => !Object.hasOwn(statements, key) && speaks(text))
  if (prose === undefined) return torchvision
  const doubt = `its metadata say "${shortened(prose[1])}", but no key strideIn`
  return { ...torchvision, name: /caffe|msra/i.test(prose[1]) ? "Caffe" : "torchvision", strideIn: undefined, doubt }
}

const speaks = (text: string): boolean =>
  /\b(caffe|msra)|stride[^.;]{0,40}1\s*x\s*1|1\s*x\s*1[^.;]{0,40}stride/i.test(text)
const shortened = (text: string): string => (text.length > 80 ? `${text.slice(0, 80)}...` : text)

/**
 * Mean and std as detectron2's older models hold them beside their weights, 0..255 in the order of the colours: red is the
 * largest of ImageNet's means. One that divides by a std comes from a backbone of torchvision's, as a rule: where its
 * stride is does not stand in the file.
 */
function pixelBuffers(tensors: StoredFile["tensors"]): Partial<Habits> {
  const [mean, std] = ["pixel_mean", "pixel_std"].map((name) => {
    const tensor = tensors.get(name)
    return tensor?.shape[0] === 3 && tensor.shape.every((length, axis) => axis === 0 || length === 1)
      ? [...tensor.read()].map((value) => value / 255)
      : undefined
  })
  if (mean === undefined || std === undefined) return {}
  const colors = mean[0]! > mean[2]! ? "rgb" : "bgr"
  const three = (values: number[]) => (colors === "bgr" ? values.reverse() : values) as [number, number, number]
  const input = { mean: three(mean), std: three(std) }
  if (std.every((value) => value === 1 / 255)) return { colors, input }
  return { colors, input, strideIn: undefined, doubt: "it divides by a std, as models from torchvision's backbones do" }
}

/** What the metadata say under a key of `statements`; `undefined` where nothing. @throws DataError for another value */
function stated<Key extends keyof typeof statements>(metadata: Metadata, key: Key) {
  if (!Object.hasOwn(metadata, key)) return undefined
  const { success, data } = statements[key].safeParse(metadata[key])
  if (success) return data as z.output<(typeof statements)[Key]>
  const expected = statements[key].options.join(" or ")
  throw new DataError(`metadata: expected ${key} to be ${expected}, got ${JSON.stringify(metadata[key])}`)
}

type Metadata = Readonly<Record<string, string>>

const statedNetwork = (metadata: Metadata): string | undefined =>
  ["network", "model", "arch"].map((key) => metadata[key]).find((name) => networkNames.includes(name ?? ""))

type Channels = Normalisation["mean"]

/** `0.485,0.456,0.406` or a JSON list; values of 0..255 as those of 0..1. */
function statedInput(metadata: Metadata): Partial<Normalisation> {
  const [mean, std] = [channels(metadata, "mean"), channels(metadata, "std")]
  const unit = [mean, std].some((values) => values?.some((value) => value > 1)) ? 255 : 1
  const scaled = (values: readonly number[]) => values.map((value) => value / unit) as unknown as Channels
  return { ...(mean && { mean: scaled(mean) }), ...(std && { std: scaled(std) }) }
}

function channels(metadata: Metadata, key: "mean" | "std"): readonly number[] | undefined {
  if (!Object.hasOwn(metadata, key)) return undefined
  const text = metadata[key]!
  const values = text
    .replaceAll(/[[\]()\s]/g, "")
    .split(",")
    .map(Number)
  const fits = values.length === 3 && values.every((value) => Number.isFinite(value) && (key === "mean" || value > 0))
  if (fits) return values
  throw new DataError(
    `metadata: expected ${key} to be three numbers, as in 0.485,0.456,0.406, got ${JSON.stringify(shortened(text))}`,
  )
}

/** pytorch_resnet_cifar10 calls the last layer `linear` and pads its shortcuts on both sides. */
const isAkamaster = ({ tensors }: StoredFile): boolean =>
  [...tensors.keys()].some((name) => /(^|\.)linear\.weight$/.test(name))

/** What batch norms that train have in a file, and frozen ones have not. */
export const batchCounter = ".num_batches_tracked"

/**
 * What the frozen batch norms of a file add to their variance: 0 in a detector of torchvision's first days, of which
 * `fasterrcnn_resnet50_fpn` COCO_V1 is one, told by a name that nothing has had since 0.13; else batch norm's own.
 * @source torchvision `overwrite_eps(model, 0.0)` for those weights
 */
function epsilonOf({ tensors }: StoredFile): number {
  const names = [...tensors.keys()]
  const isOld =
    names.some((name) => /(^|\.)rpn\.head\.conv\.weight$/.test(name)) &&
    !names.some((name) => name.endsWith(batchCounter))
  return isOld ? 0 : batchNormEpsilon
}

/** Whether a tensor holds a ResNet's first filters, by the names of a backbone or of a detector. */
export const isFirstFilter = (name: string): boolean => /^(backbone\.(body\.)?)?conv1\.weight$/.test(name)
