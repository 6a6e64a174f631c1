import { type Backbone, createBackbone } from "../backbone/backbone.js"
import { networkSpec } from "../backbone/networks.js"
import { resNetBackbone } from "../backbone/resnet.js"
import { DataError, UsageError } from "../core/errors.js"
import { type Parameter, type Parameters, Scope } from "../core/parameters.js"
import { anchorsPerCell } from "../rpn/anchors.js"
import { Checkpoint } from "../weights/checkpoint.js"
import { type LocalizerConfig, type LocalizerInfo, localizerMetadata } from "../weights/model-info.js"
import { fillModel } from "../weights/open-model.js"
import { saveWeights } from "../weights/save.js"
import { ClassHead } from "./class-head.js"
import { ClassRpn } from "./class-rpn.js"
import { RegionNetwork } from "./region-network.js"

/** Writes one stage with all that is needed to run it; beside and renamed, so that a broken write leaves the old file. */
export function saveLocalizer(path: string, parameters: Iterable<Parameter>, info: LocalizerInfo): void {
  saveWeights(path, parameters, localizerMetadata(info))
}

/** The stages of a network before its classifier. @throws UsageError for a name that is not known */
export function stagesOf(network: string): number {
  return networkSpec(network).stages.length
}

/**
 * Puts a per-class RPN together and creates its parameters: `backbone.*`, `rpn.cls_logits.*`, `rpn.bbox_pred.*`.
 * @throws UsageError for a network or a number of stages that is not known
 */
export function buildClassRpn(parameters: Parameters, config: LocalizerConfig, numClasses: number): ClassRpn {
  const backbone = buildBackbone(parameters, config)
  const anchors = anchorsPerCell({ ...config.rpn.anchors, stride: backbone.strides[0]! })
  const scope = new Scope(parameters).in("rpn")
  const head = new ClassHead(scope, { channels: backbone.channels, anchors, numClasses })
  return new ClassRpn({ backbone, head }, config.rpn)
}

/** As `buildClassRpn`, the second stage: `backbone.*`, `regions.cls_score.*`, `regions.bbox_pred.*`. */
export function buildRegionNetwork(parameters: Parameters, config: LocalizerConfig, numClasses: number): RegionNetwork {
  return new RegionNetwork(new Scope(parameters).in("regions"), buildBackbone(parameters, config), numClasses)
}

function buildBackbone(
  parameters: Parameters,
  { network, options, norm, frozen, stages }: LocalizerConfig,
): Required<Backbone> {
  const spec = networkSpec(network, options)
  if (!(stages >= 1 && stages <= spec.stages.length)) {
    throw new UsageError(`expected stages to be 1 to ${spec.stages.length} for ${network}, got ${stages}`)
  }
  return createBackbone(new Scope(parameters).in("backbone"), resNetBackbone(spec, { norm, stages, freezeAt: frozen }))
}

/** A stage that has been read from its file. */
export interface OpenStage<Network> extends LocalizerInfo {
  readonly network: Network
  readonly parameters: Parameters
}

/**
 * Reads a trained per-class RPN. The engine must have been started.
 * @throws DataError when the file is none of resdet's, or lacks a part
 */
export function openClassRpn(path: string): OpenStage<ClassRpn> {
  return open(path, "rpn", buildClassRpn)
}

/** As `openClassRpn`, the second stage. */
export function openRegionNetwork(path: string): OpenStage<RegionNetwork> {
  return open(path, "rcnn", buildRegionNetwork)
}

const stageNames = { rpn: "a per-class RPN", rcnn: "a second stage" } as const

function open<Network>(
  path: string,
  stage: LocalizerConfig["stage"],
  build: (parameters: Parameters, config: LocalizerConfig, numClasses: number) => Network,
): OpenStage<Network> {
  using checkpoint = Checkpoint.open(path)
  const info = checkpoint.model.kind === "localizer" ? checkpoint.model.info : undefined
  if (info?.config.stage !== stage) {
    const got = info === undefined ? "other weights" : stageNames[info.config.stage]
    throw new DataError(
      `${path}: expected ${stageNames[stage]}, got ${got}. Train one with resdet localize train --stage ${stage}`,
    )
  }
  const filled = fillModel(checkpoint, (parameters) => build(parameters, info.config, info.classes.length))
  return { ...info, network: filled.model, parameters: filled.parameters }
}
