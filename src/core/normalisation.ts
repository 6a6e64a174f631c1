/** How values of a picture, 0..255, enter a network: `(value / 255 - mean) / std`; red, green and blue. */
export interface Normalisation {
  readonly mean: readonly [number, number, number]
  readonly std: readonly [number, number, number]
}

/** @source torchvision `transforms` presets: the ImageNet mean and standard deviation of RGB in 0..1 */
export const imageNet: Normalisation = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }
