import { shown } from "../core/shown.js"
import { type DetectorKind, parseModel } from "../detector/model.js"

/** A stem and stages by torchvision's names. */
const layers = /^(conv1|bn1|layer\d+)\./

/**
 * The names of a ResNet's layers as torchvision has them, wherever the network stands: in a detector or a localizer
 * (`backbone.`, `backbone.body.`, `roi_heads.box_head.`) or by itself. Other names stay as they are.
 */
export function plainName(name: string): string {
  const [, place = "", rest = ""] = /^(backbone\.body\.|backbone\.|roi_heads\.box_head\.|)(.*)$/.exec(name)!
  return place !== "" && layers.test(rest) ? rest : name
}

/** Where a network has the layers of its ResNet. */
type Placement = (name: string) => string

const placements: Readonly<Record<DetectorKind, Placement>> = {
  // conv5 runs on every region.
  c4: (name) => (name.startsWith("layer4.") ? `roi_heads.box_head.${name}` : `backbone.${name}`),
  dc5: (name) => `backbone.${name}`,
  fpn: (name) => `backbone.body.${name}`,
  fpn_v2: (name) => `backbone.body.${name}`,
}

/** A file's names as a network has them that keeps its ResNet where `place` says; all other names stay. */
function placedName(name: string, place: Placement): string {
  const plain = plainName(name)
  return layers.test(plain) ? place(plain) : plain
}

/** A file's names as a localizer has them: the stem and all stages under `backbone.`. */
export const localizerName = (name: string): string => placedName(name, (plain) => `backbone.${plain}`)

/**
 * What makes a file's names those of a detector: a plain ResNet's and another detector's layers go where this one has them,
 * and what torchvision called otherwise before 0.13 gets its name of today.
 */
export function detectorName(model: string): (name: string) => string {
  const place = placements[parseModel(model).kind]
  return (name) =>
    placedName(name, place)
      .replace(/^rpn\.head\.conv\.(weight|bias)$/, "rpn.head.conv.0.0.$1")
      .replace(/^(backbone\.fpn\.(?:inner|layer)_blocks\.\d)\.(weight|bias)$/, "$1.0.$2")
}

/** The first convolution of a ResNet's first block: every ResNet has it, whatever its stem is. */
const firstBlock = "layer1.0.conv1.weight"

/** What stands before the names of each ResNet among them. */
export const networkRoots = (names: Iterable<string>): readonly string[] =>
  [...names].flatMap((name) => {
    const root = name.slice(0, -firstBlock.length)
    return name.endsWith(firstBlock) && (root === "" || root.endsWith(".")) ? [root] : []
  })

/** What users are told of several networks in one table; `undefined` where there are not. */
export function severalNetworks(
  names: Iterable<string>,
): { readonly keys: string[]; readonly text: string } | undefined {
  const roots = networkRoots(names)
  if (roots.length < 2) return undefined
  const keys = roots.filter((root) => root !== "").map((root) => shown(root.replace(/\.$/, "")))
  const unnamed = keys.length < roots.length ? ["one without a key"] : []
  return { keys, text: `holds ${roots.length} networks: ${[...keys, ...unnamed].join(", ")}` }
}

/**
 * What stands before every name of a model that was saved inside another: `module.`, `_orig_mod.`, `model.backbone.`, ...
 * It is found by a ResNet's first block; where several networks have one it is not told which is meant, and none is.
 * @param names as they stand in the file
 */
export function wrapperOf(names: readonly string[]): string {
  const roots = networkRoots(names)
  if (roots.length !== 1) return names.length > 0 && names.every((name) => name.startsWith("module.")) ? "module." : ""
  const [root] = roots as [string]
  // A detector keeps its ResNet in a place of its own, beside its other parts.
  const outer = root.replace(/backbone\.(body\.)?$/, "")
  const isDetector = names.some((name) => name.startsWith(`${outer}rpn.`) || name.startsWith(`${outer}roi_heads.`))
  return isDetector ? outer : root
}
