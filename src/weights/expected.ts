import { isProjection, type LayerSpec, type NetworkSpec, stageChannels } from "../backbone/architecture.js"

/** The parameters of a classifier with batch norm, by torchvision's names, in our axis order; no engine is needed. */
export function expectedShapes(spec: NetworkSpec, classes: number): ReadonlyMap<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>()
  const add = (prefix: string, { conv, norm, kernel, in: channels, out }: LayerSpec) => {
    shapes.set(`${prefix}${conv}.weight`, [kernel, kernel, channels, out])
    for (const part of ["weight", "bias", "running_mean", "running_var"]) shapes.set(`${prefix}${norm}.${part}`, [out])
  }
  add("", spec.stem)
  for (const [stage, blocks] of spec.stages.entries()) {
    for (const [block, { layers, shortcut }] of blocks.entries()) {
      const prefix = `layer${stage + 1}.${block}.`
      for (const layer of layers) add(prefix, layer)
      if (isProjection(shortcut)) add(prefix, shortcut)
    }
  }
  shapes.set("fc.weight", [stageChannels(spec.stages.at(-1)!), classes])
  shapes.set("fc.bias", [classes])
  return shapes
}
