import { type NetworkSpec, type ResNetOptions, resNetDefaults } from "../backbone/architecture.js"
import { networkNames, networkSpec } from "../backbone/networks.js"
import { plainName } from "./names.js"

type Shapes = ReadonlyMap<string, readonly number[]>

/**
 * The network whose blocks a file holds, such as `resnet50` or `cifar_resnet20`, by the number of blocks in each stage and
 * the shapes of a block's convolutions; a last stage may be absent or incomplete. `undefined` where none has those.
 * @param shapes of the file's tensors, PyTorch's axes
 */
export function networkOfShapes(shapes: Shapes): string | undefined {
  const plain = new Map([...shapes].map(([name, shape]) => [plainName(name), shape]))
  return known.find(({ spec }) => isOf(plain, spec))?.name
}

const known = networkNames.filter((name) => !name.includes("plain")).map((name) => ({ name, spec: networkSpec(name) }))

function isOf(shapes: Shapes, { stem, stages }: NetworkSpec): boolean {
  if (String(shapes.get(`${stem.conv}.weight`)) !== String([stem.out, stem.in, stem.kernel, stem.kernel])) return false
  const [first] = stages[0]!
  const fits = first!.layers.every(({ conv, kernel, in: from, out }) => {
    return String(shapes.get(`layer1.0.${conv}.weight`)) === String([out, from, kernel, kernel])
  })
  if (!fits || shapes.has(`layer1.0.conv${first!.layers.length + 1}.weight`)) return false
  const counts = stages.map((_, stage) => blocksIn(shapes, stage))
  // A C4 detector's file may lack conv5, or part of it.
  return stages.every((blocks, stage) => {
    return counts[stage] === blocks.length || (stage === 3 && counts[stage]! <= blocks.length)
  })
}

function blocksIn(shapes: Shapes, stage: number): number {
  const places = [...shapes.keys()].map((name) => new RegExp(`^layer${stage + 1}\\.(\\d+)\\.`).exec(name)?.[1])
  return new Set(places.filter((place) => place !== undefined)).size
}

/**
 * The shortcut option of an ImageNet ResNet, by which blocks have a projection: none, those where the size changes, or all.
 */
export function shortcutOfNames(shapes: Shapes): ResNetOptions["shortcut"] {
  const plain = new Set([...shapes.keys()].map(plainName))
  const has = (block: string) => plain.has(`${block}.downsample.0.weight`)
  if (!plain.has("layer2.0.conv1.weight")) return resNetDefaults.shortcut
  if (has("layer1.1")) return "C"
  return has("layer2.0") || has("layer3.0") ? "B" : "A"
}
