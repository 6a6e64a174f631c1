import { z } from "zod"
import type { ResNetOptions } from "../backbone/architecture.js"
import { type CifarOptions, networkSpec } from "../backbone/networks.js"
import { DataError, UserError } from "../core/errors.js"
import type { Normalisation } from "../core/normalisation.js"
import { parseJson } from "../core/plain-data.js"
import { renameOldKeys } from "../core/renamed-keys.js"
import { sizeRules } from "../core/size-rule.js"
import {
  completeConfig,
  type ModelConfig,
  modelDefaults,
  ownModel,
  parseModel,
  type StoredModelConfig,
} from "../detector/model.js"
import { checkOptions, type FasterRcnnOptions } from "../detector/options.js"
import type { NormKind } from "../layers/ops.js"
import { metadataFormat, metadataKeys } from "./metadata-keys.js"

/** What every model's file tells beside its weights. */
interface Info<Config> {
  readonly config: Config
  /** Names of the classes: a detector's and a localizer's are 1..K, a classifier's 0..K-1. */
  readonly classes: readonly string[]
  /** How it was trained and how well it does, for people. */
  readonly training: Readonly<Record<string, unknown>>
}

export interface DetectorInfo extends Info<ModelConfig> {
  /** The training data's own ids of the classes. */
  readonly categoryIds: readonly (number | string)[]
}

/** The score threshold of the highest F1 in the validation of the weights; undefined where none was made. */
export function bestScoreOf({ training }: DetectorInfo): number | undefined {
  const { bestScore } = training
  return typeof bestScore === "number" && bestScore >= 0 && bestScore <= 1 ? bestScore : undefined
}

/** What tells one network from another of its name; what is left out is the network's own default. */
export type NetworkChoices = Partial<Pick<ResNetOptions, "strideIn" | "shortcut"> & Pick<CifarOptions, "zeros">>

/** All that tells one classifier from another, beside its weights and classes; it is stored in the weights file. */
export interface ClassifierConfig extends Normalisation {
  /** Such as `resnet50` or `cifar_resnet20`. */
  readonly network: string
  readonly options: NetworkChoices
  /** Side of the square it was trained on; input pixels. */
  readonly size: number
  /** Shorter side that an image is given in testing, before a square is cut out; its network's usual one where left out. */
  readonly resize?: number
  /** The file holds the mean picture `input.mean`, taken off inputs of `size`; `mean` are its channels' means. */
  readonly meanPicture?: boolean
}

export type ClassifierInfo = Info<ClassifierConfig>

/** All that tells one stage of a localizer from another, beside its weights and classes; it is stored in the file. */
export interface LocalizerConfig extends Normalisation {
  /** `rpn`: the per-class RPN. `rcnn`: the second stage. */
  readonly stage: "rpn" | "rcnn"
  /** Such as `resnet101` or `cifar_resnet20`. */
  readonly network: string
  readonly options: NetworkChoices
  readonly norm: NormKind
  /** How many parts do not learn: 1 the stem, 2 the stem and layer1, ... */
  readonly frozen: number
  /** How many stages stand before the last layers; all of them for `rcnn`. */
  readonly stages: number
  /** Side of the crops or warped regions it was trained on; input pixels. */
  readonly size: number
  /** Anchors, matching and sampling; `rcnn` has no use for them. */
  readonly rpn: {
    readonly anchors: Pick<FasterRcnnOptions["anchors"], "sizes" | "ratios">
    readonly match: FasterRcnnOptions["rpn"]["match"]
    readonly sample: FasterRcnnOptions["rpn"]["sample"]
  }
}

export type LocalizerInfo = Info<LocalizerConfig>

/** What a weights file tells of itself. `foreign`: weights that resdet did not write, or not as a whole model. */
export type ModelDescription =
  | { readonly kind: "detector"; readonly info: DetectorInfo }
  | { readonly kind: "classifier"; readonly info: ClassifierInfo }
  | { readonly kind: "localizer"; readonly info: LocalizerInfo }
  | { readonly kind: "foreign" }

const metadataOf = (key: string, info: object) => ({ [key]: JSON.stringify({ format: metadataFormat, ...info }) })

/** The metadata that make a weights file or a graph a detector's. */
export const detectorMetadata = (info: DetectorInfo): Record<string, string> => metadataOf(metadataKeys.detector, info)
export const classifierMetadata = (info: ClassifierInfo): Record<string, string> =>
  metadataOf(metadataKeys.classifier, info)
export const localizerMetadata = (info: LocalizerInfo): Record<string, string> =>
  metadataOf(metadataKeys.localizer, info)

/**
 * What the metadata of the file at `path` tell of a model.
 * @throws DataError one line, where they are broken, or newer than this version
 */
export function describeModel(path: string, metadata: Readonly<Record<string, string>>): ModelDescription {
  const text = (key: string) => (Object.hasOwn(metadata, key) ? metadata[key] : undefined)
  const [detector, classifier, localizer] = [
    text(metadataKeys.detector),
    text(metadataKeys.classifier),
    text(metadataKeys.localizer),
  ]
  if (detector !== undefined) return { kind: "detector", info: parsed(path, "detector", detector, detectorInfo) }
  if (classifier !== undefined) {
    return { kind: "classifier", info: parsed(path, "classifier", classifier, classifierInfo) }
  }
  if (localizer !== undefined) return { kind: "localizer", info: parsed(path, "localizer", localizer, localizerInfo) }
  return { kind: "foreign" }
}

function parsed<Output>(path: string, kind: string, text: string, schema: z.ZodType<Output>): Output {
  const broken = (what: string) => `${path}: its description of the ${kind} is broken: ${what}`
  let value: unknown
  try {
    value = renameOldKeys(parseJson(text)).tree
  } catch (error) {
    throw new DataError(broken((error as Error).message))
  }
  const format = (value as { format?: unknown } | null)?.format
  if (typeof format === "number" && format > metadataFormat) {
    throw new DataError(`${path}: written by a newer version of resdet (format ${format})`)
  }
  if (format !== metadataFormat) throw new DataError(broken(`expected format ${metadataFormat}`))
  return checked(value, schema, broken)
}

/** @throws DataError what `broken` makes of the first fault */
function checked<Output>(value: unknown, schema: z.ZodType<Output>, broken: (what: string) => string): Output {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw new DataError(broken([issue!.path.join("."), issue!.message].filter((part) => part !== "").join(": ")))
}

const three = z.tuple([z.number(), z.number(), z.number()])
const std = z.tuple([z.number().positive(), z.number().positive(), z.number().positive()])
const positives = z.array(z.number().positive()).min(1)
const side = z.int().min(1)
const normKind = z.enum(["frozen", "unfolded", "batch", "group"])

/** A config by its schema, then as `complete` makes it whole, whose errors count as the schema's own. */
const configSchema = <Stored extends z.ZodType, Config>(
  stored: Stored,
  complete: (stored: z.output<Stored>) => Config,
) =>
  stored.transform((value, context): Config => {
    try {
      return complete(value)
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      context.addIssue(error.message)
      return z.NEVER
    }
  })

const infoSchema = <Config>(config: z.ZodType<Config>) =>
  z.object({ config, classes: z.array(z.string()), training: z.record(z.string(), z.unknown()).default({}) })

/** A schema for what may stand in the place of `example`: values of the same kinds by the same names, none of them needed. */
function like(example: unknown): z.ZodType {
  if (typeof example === "number") return z.number()
  if (typeof example === "boolean") return z.boolean()
  if (typeof example === "string") return z.string()
  if (Array.isArray(example)) return z.array(like(example[0])).min(1)
  const shape = Object.entries(example as object).map(([name, value]) => [name, like(value).optional()])
  return z.strictObject(Object.fromEntries(shape))
}

const { input: _, ...plainDefaults } = modelDefaults
const storedModel = z.strictObject({
  ...(like(plainDefaults) as z.ZodObject).shape,
  model: z.string(),
  size: side.optional(),
  maxSize: side.optional(),
  sizeRule: z.enum(sizeRules).optional(),
  input: z.strictObject({ mean: three, std }).optional(),
  strideIn: z.enum(["3x3", "1x1"]).optional(),
  shortcut: z.enum(["A", "B", "C"]).optional(),
  norm: normKind.optional(),
  conv5Norm: normKind.optional(),
  headNorm: normKind.optional(),
  frozen: z.int().min(0).optional(),
})

/** A stored detector's configuration, in full. @throws UserError for a value that makes no sense */
function wholeConfig(stored: unknown): ModelConfig {
  const config = completeConfig(stored as StoredModelConfig)
  if (config.model !== ownModel) parseModel(config.model)
  checkOptions(config.options)
  return config
}

const detectorConfig = configSchema(storedModel, wholeConfig)

/**
 * A detector's configuration as it stands in a run's record or a weights file, in full.
 * @param where it stands, for the message
 * @throws DataError one line, for one that is broken
 */
export const storedModelConfig = (where: string, stored: unknown): ModelConfig =>
  checked(stored, detectorConfig, (what) => `${where}: the description of its detector is broken: ${what}`)

const detectorInfo = infoSchema(detectorConfig)
  .extend({ categoryIds: z.array(z.union([z.number(), z.string()])) })
  .refine(({ classes, categoryIds }) => classes.length === categoryIds.length, {
    path: ["categoryIds"],
    message: "expected as many as there are classes",
  })

const choices = z.strictObject({
  strideIn: z.enum(["3x3", "1x1"]).optional(),
  shortcut: z.enum(["A", "B", "C"]).optional(),
  zeros: z.enum(["after", "both"]).optional(),
})

/** @throws UserError for a network that is not known */
function withNetwork<Config extends { readonly network: string }>(config: Config): Config {
  networkSpec(config.network)
  return config
}

const storedClassifier = z.strictObject({
  network: z.string(),
  options: choices,
  size: side,
  resize: side.optional(),
  meanPicture: z.boolean().optional(),
  mean: three,
  std,
})

const classifierInfo = infoSchema(configSchema(storedClassifier, (config) => withNetwork(config) as ClassifierConfig))

const { match, sample } = modelDefaults.options.rpn
const storedLocalizer = z.strictObject({
  stage: z.enum(["rpn", "rcnn"]),
  network: z.string(),
  options: choices,
  norm: normKind,
  frozen: z.int().min(0),
  stages: z.int().min(1),
  size: side,
  mean: three,
  std,
  rpn: z.strictObject({
    anchors: z.strictObject({ sizes: positives, ratios: positives }),
    match: like(match),
    sample: like(sample),
  }),
})

const localizerInfo = infoSchema(configSchema(storedLocalizer, (config) => withNetwork(config) as LocalizerConfig))
