/** The presets, by name; `presets.ts` has their values. Apart, so that a command's help loads no tensors. */
export const presetNames = ["light", "paper", "torchvision", "detectron2"] as const
export type PresetName = (typeof presetNames)[number]

/** The detector, unless it or weights are given: ResNet-18 with conv5 on every region, for two CPU cores. */
export const defaultModel = "fasterrcnn_resnet18_c4"

/** The preset, unless it, a recipe or a detector to start from is given. */
export const defaultPreset: PresetName = "light"
