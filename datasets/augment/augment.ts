import type { Random } from "../../src/core/random.js"
import { changeColours, drawColourChange } from "./colour-jitter.js"
import { drawIouCrop, drawScale, drawZoomOut } from "./cutouts.js"
import type { AugmentOptions } from "./levels.js"
import { mixUp, mosaic } from "./mix.js"
import { type Colour, cutOut, flippedVertically, isCentreLeft, isTenthLeft, type Scene } from "./scene.js"

/**
 * An image as training shows it.
 * @param scenes the image, then its partners
 * @param fill what lies outside of images
 * @param random nothing else decides what happens
 */
export function augmentScene(scenes: readonly Scene[], options: AugmentOptions, fill: Colour, random: Random): Scene {
  const [first, second] = scenes as [Scene, Scene?]
  let scene = scenes.length === 4 ? mosaic(scenes, fill, random) : first
  if (scenes.length === 2) scene = mixUp(first, second!, fill, random)
  if (random.uniform() < options.colour)
    scene = { ...scene, image: changeColours(scene.image, drawColourChange(random)) }
  // A mosaic has small objects and cut ones as it is.
  const isWhole = scenes.length < 4
  if (isWhole && random.uniform() < options.zoomOut) scene = cutOut(scene, drawZoomOut(scene, random), fill, () => true)
  if (isWhole && random.uniform() < options.iouCrop) {
    const crop = drawIouCrop(scene, random)
    if (crop) scene = cutOut(scene, crop, fill, isCentreLeft(crop))
  }
  const [low, high] = options.scale
  if (low !== 1 || high !== 1) scene = cutOut(scene, drawScale(scene, options.scale, random), fill, isTenthLeft)
  return random.uniform() < options.verticalFlip ? flippedVertically(scene) : scene
}
