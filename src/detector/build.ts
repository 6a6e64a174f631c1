import { type Backbone, type BackboneSpec, createBackbone } from "../backbone/backbone.js"
import { UsageError } from "../core/errors.js"
import { type Parameters, Scope } from "../core/parameters.js"
import type { Precision } from "../engine/names.js"
import { type BoxHead, BoxPredictor, createBoxHead, type PredictorSizes } from "../roi/head.js"
import { RoiHeads, type RoiHeadsOptions } from "../roi/roi-heads.js"
import { anchorsPerCell } from "../rpn/anchors.js"
import { RpnHead, type RpnHeadSizes } from "../rpn/head.js"
import { type AnchorHead, Rpn } from "../rpn/rpn.js"
import { type DetectorSpec, detectorSpec, ownDetectorSpec } from "./detector-spec.js"
import { FasterRcnn } from "./faster-rcnn.js"
import type { ModelConfig } from "./model.js"
import { checkOptions, type FasterRcnnOptions } from "./options.js"
import { recordLayers } from "./record-layers.js"

/**
 * A backbone from code: described with `Ops`, or put together from tensors of any kind by a function that creates its
 * parameters in `scope`. Only what is described can be exported to ONNX and counted.
 */
export type OwnBackbone = BackboneSpec | ((scope: Scope) => Backbone)

/**
 * Puts a detector together and creates its parameters, by torchvision's names: `backbone.*`, `rpn.head.*`,
 * `roi_heads.box_head.*`, `roi_heads.box_predictor.*`.
 * @param numClasses K, without the background
 * @param backbone in place of the one that `config.model` names; two linear layers then run on every region
 * @param precision of testing; training is float32
 * @param training what only training asks for
 * @throws UsageError for a model name that is not known, or several maps with other than one anchor size each
 */
export function buildFasterRcnn(
  parameters: Parameters,
  config: ModelConfig,
  numClasses: number,
  backbone?: OwnBackbone,
  precision: Precision = "float32",
  training: Pick<RoiHeadsOptions, "classWeights"> = {},
): FasterRcnn {
  checkOptions(config.options)
  const layers = buildLayers(parameters, config, numClasses, backbone)
  const recording = recordLayers(layers, precision)
  // What a function of the user's does may depend on more than its inputs.
  if (typeof backbone !== "function") return assemble(recording, config.options, { recordable: true, ...training })
  if (precision === "bf16")
    throw new UsageError("--precision bf16 takes a backbone that is described with Ops, got a function")
  return assemble({ ...recording, backbone: layers.backbone }, config.options, training)
}

/** The layers of a detector, by its parts. */
export interface DetectorLayers {
  readonly backbone: Backbone
  readonly rpnHead: AnchorHead
  readonly boxHead: BoxHead
  readonly predictor: Pick<BoxPredictor, "apply">
}

/**
 * Layers with all that goes on between them. The anchors' stride is that of the backbone's finest maps.
 * @param recordable whether what the layers do follows from their inputs and variables alone
 */
export function assemble(
  { backbone, rpnHead, boxHead, predictor }: DetectorLayers,
  options: FasterRcnnOptions,
  { recordable = false, ...training }: { readonly recordable?: boolean } & Pick<RoiHeadsOptions, "classWeights"> = {},
): FasterRcnn {
  const { strides } = backbone
  const { rpn, roi, align, context } = options
  const anchors = { ...options.anchors, stride: strides[0]! }
  const parts = {
    rpn: new Rpn(rpnHead, { ...rpn, anchors }),
    roiHeads: new RoiHeads({ boxHead, predictor }, { ...roi, ...training, align, context, strides }),
  }
  return new FasterRcnn({ backbone, ...parts }, { ...options, anchors }, recordable ? parts : undefined)
}

/** The layers that `buildFasterRcnn` assembles. */
export function buildLayers(
  parameters: Parameters,
  config: ModelConfig,
  numClasses: number,
  own?: OwnBackbone,
): DetectorLayers {
  const scope = new Scope(parameters)
  const { backbone, spec } = buildBackbone(scope.in("backbone"), config, own)
  const rpnHead = new RpnHead(scope.in("rpn").in("head"), rpnHeadSizes(spec, config))
  const heads = scope.in("roi_heads")
  const boxHead = createBoxHead(heads.in("box_head"), spec.boxHead)
  const predictor = new BoxPredictor(heads.in("box_predictor"), predictorSizes(boxHead, config, numClasses))
  return { backbone, rpnHead, boxHead, predictor }
}

/** What the RPN's layers are built by. */
export function rpnHeadSizes(
  { backbone: { channels, strides }, rpnDepth: depth }: SharedSpec,
  { options }: Pick<ModelConfig, "options">,
): RpnHeadSizes {
  const { width, objectness } = options.rpn
  const anchors = anchorsPerCell(options.anchors, strides.length)
  return { channels, anchors, depth, objectness, ...(width > 0 && { width }) }
}

/** What the predictor is built by: it is twice as wide where each region's vector comes with the whole image's. */
export function predictorSizes(
  { channels }: Pick<BoxHead, "channels">,
  { options: { context, roi } }: Pick<ModelConfig, "options">,
  numClasses: number,
): PredictorSizes {
  return { channels: context ? 2 * channels : channels, numClasses, classAgnostic: roi.classAgnostic }
}

/**
 * A configuration's options as its model has them: the anchors' stride follows from the network.
 * @throws UsageError for a value that a part cannot work with
 */
export function detectorOptions(config: ModelConfig, spec: DetectorSpec = detectorSpec(config)): FasterRcnnOptions {
  const { options } = config
  checkOptions(options)
  return { ...options, anchors: { ...options.anchors, stride: spec.backbone.strides[0]! } }
}

/** A detector's networks, of which the backbone may be none that is described. */
type SharedSpec = Omit<DetectorSpec, "backbone"> & { readonly backbone: Pick<Backbone, "channels" | "strides"> }

function buildBackbone(
  scope: Scope,
  config: ModelConfig,
  own: OwnBackbone | undefined,
): { readonly backbone: Backbone; readonly spec: SharedSpec } {
  if (typeof own === "function") {
    const backbone = own(scope)
    expectAnchorSizes(config, backbone.strides)
    return { backbone, spec: ownDetectorSpec(backbone, config) }
  }
  const spec = own === undefined ? detectorSpec(config) : ownDetectorSpec(own, config)
  expectAnchorSizes(config, spec.backbone.strides)
  return { backbone: createBackbone(scope, spec.backbone), spec }
}

function expectAnchorSizes({ model, options: { anchors } }: ModelConfig, { length }: readonly number[]): void {
  if (length === 1 || anchors.sizes.length === length) return
  throw new UsageError(
    `${model}: expected ${length} detector.anchors.sizes, one for each level of the pyramid, got ${anchors.sizes.join(", ")}`,
  )
}
