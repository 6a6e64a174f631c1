import { fromDetectron2, isDetectron2 } from "./detectron2.js"
import { networkRoots, wrapperOf } from "./names.js"
import type { StoredTensor } from "./stored.js"

type Tensors = ReadonlyMap<string, StoredTensor>

/**
 * A file's tensors by torchvision's names: what a wrapper such as `DataParallel` puts before them is gone, and what Hugging
 * Face, detectron2 and others name otherwise is changed.
 */
export function torchvisionTensors(tensors: Tensors): Tensors {
  const known = isHuggingFace(tensors) ? renamed(tensors, fromHuggingFace) : tensors
  const wrapper = wrapperOf([...known.keys()])
  const bare = wrapper === "" ? known : withoutWrapper(known, wrapper)
  const arranged = isDetectron2(bare) ? fromDetectron2(bare) : bare
  const last = lastLayer(arranged)
  return last === undefined ? arranged : renamed(arranged, (name) => name.replace(last, "fc."))
}

/** Whether a table looks like one of a ResNet's, by whichever names. */
export const holdsNetwork = (tensors: Tensors): boolean =>
  networkRoots(tensors.keys()).length > 0 || isHuggingFace(tensors) || isDetectron2(tensors)

const renamed = (tensors: Tensors, change: (name: string) => string): Tensors =>
  new Map([...tensors].map(([name, tensor]) => [change(name), tensor]))

/** What does not stand in the wrapper, such as an optimizer's state, keeps its name. */
function withoutWrapper(tensors: Tensors, wrapper: string): Tensors {
  const bare = new Map<string, StoredTensor>()
  for (const [name, tensor] of tensors) {
    const inner = name.startsWith(wrapper) ? name.slice(wrapper.length) : name
    bare.set(bare.has(inner) ? name : inner, tensor)
  }
  return bare
}

/** Names of a classifier's last layer elsewhere: pytorch_resnet_cifar10's, Hugging Face's, mmpretrain's, ... */
const lastLayers = ["linear", "classifier", "classifier.1", "head", "head.fc", "last_linear", "fc.0", "fc.1", "logits"]

/** What a ResNet's last layer is called where it is not `fc`, with the dot behind it. */
function lastLayer(tensors: Tensors): string | undefined {
  if (tensors.has("fc.weight") || !networkRoots(tensors.keys()).includes("")) return undefined
  const found = lastLayers.filter((name) => tensors.get(`${name}.weight`)?.shape.length === 2)
  return found.length === 1 ? `${found[0]}.` : undefined
}

/** @source transformers/models/resnet/modeling_resnet.py */
const huggingFaceBlock =
  /^(.*?)encoder\.stages\.(\d)\.layers\.(\d+)\.(?:layer\.(\d)|shortcut)\.(convolution|normalization)\./

const isHuggingFace = (tensors: Tensors): boolean => [...tensors.keys()].some((name) => huggingFaceBlock.test(name))

/** `resnet.encoder.stages.0.layers.1.layer.2.normalization.bias` becomes `resnet.layer1.1.bn3.bias`. */
const fromHuggingFace = (name: string): string =>
  name
    .replace(huggingFaceBlock, (_, wrapper: string, stage: string, block: string, layer?: string, kind?: string) => {
      const isNorm = kind === "normalization"
      const own = layer === undefined ? `downsample.${isNorm ? 1 : 0}` : `${isNorm ? "bn" : "conv"}${Number(layer) + 1}`
      return `${wrapper}layer${Number(stage) + 1}.${block}.${own}.`
    })
    .replace(/embedder\.embedder\.convolution\./, "conv1.")
    .replace(/embedder\.embedder\.normalization\./, "bn1.")
