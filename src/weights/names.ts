import { type DetectorKind, parseModel } from "../detector/model.js"

/**
 * Names of a plain ResNet file as a C4 detector has them: `layer4.*` under `roi_heads.box_head.`, the stem and the other
 * stages under `backbone.`; other names, a detector's own among them, stay as they are.
 */
export function c4Name(name: string): string {
  if (/^(conv1|bn1|layer[123])\./.test(name)) return `backbone.${name}`
  return name.startsWith("layer4.") ? `roi_heads.box_head.${name}` : name
}

/**
 * Names of a file as a pyramid detector has them: a plain ResNet's under `backbone.body.`; what torchvision called
 * otherwise before 0.13 by its names of today; others as they are.
 */
export function fpnName(name: string): string {
  if (/^(conv1|bn1|layer[1234])\./.test(name)) return `backbone.body.${name}`
  return name
    .replace(/^rpn\.head\.conv\.(weight|bias)$/, "rpn.head.conv.0.0.$1")
    .replace(/^(backbone\.fpn\.(?:inner|layer)_blocks\.\d)\.(weight|bias)$/, "$1.0.$2")
}

/** Names of a plain ResNet file as a detector with a dilated conv5 has them: under `backbone.`; others as they are. */
export function dc5Name(name: string): string {
  return /^(conv1|bn1|layer[1234])\./.test(name) ? `backbone.${name}` : name
}

const namings: Readonly<Record<DetectorKind, (name: string) => string>> = {
  c4: c4Name,
  dc5: dc5Name,
  fpn: fpnName,
  fpn_v2: fpnName,
}

/** What makes a file's names those of a detector. */
export const detectorName = (model: string): ((name: string) => string) => namings[parseModel(model).kind]
