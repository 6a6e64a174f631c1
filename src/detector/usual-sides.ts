/**
 * Shorter and maximum longer side of the input, in pixels. Apart, so that a command's help loads no tensors.
 * @source torchvision and detectron2
 */
export const usualSides = { size: 800, maxSize: 1333 } as const
