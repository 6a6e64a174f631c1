import { createBackbone } from "../../src/backbone/backbone.js"
import { resNetBackbone } from "../../src/backbone/resnet.js"
import { Parameters, Scope } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { ClassHead } from "../../src/localize/class-head.js"
import { ClassRpn } from "../../src/localize/class-rpn.js"
import { classRpnDefaults } from "../../src/localize/options.js"
import { RegionNetwork } from "../../src/localize/region-network.js"
import { tinyNetwork } from "../support/tiny-network.js"

const tinyBackbone = resNetBackbone(tinyNetwork, { norm: "group", stages: 2, freezeAt: 0 })

/** A per-class RPN of two classes on a small backbone of stride 8, which sees 35 pixels at a place, for crops of 64 pixels. */
export function tinyLocalizer() {
  const parameters = new Parameters(seededRandom(1))
  const scope = new Scope(parameters)
  const backbone = createBackbone(scope.in("backbone"), tinyBackbone)
  const anchors = { sizes: [16, 24], ratios: [0.5, 1, 2] }
  const head = new ClassHead(scope.in("rpn"), { channels: backbone.channels, anchors: 6, numClasses: 2 })
  return { rpn: new ClassRpn({ backbone, head }, { ...classRpnDefaults, anchors }), parameters }
}

/** A second stage of two classes on the same small backbone. */
export function tinyRegionNetwork() {
  const parameters = new Parameters(seededRandom(2))
  const scope = new Scope(parameters)
  const backbone = createBackbone(scope.in("backbone"), tinyBackbone)
  return { network: new RegionNetwork(scope.in("regions"), backbone, 2), parameters }
}

/** Where the made-up pictures have their rectangles, in 72 x 96 pixels. */
export const rectangleBoxes = [
  [30, 30, 50, 50],
  [44, 24, 70, 42],
  [50, 14, 66, 40],
  [24, 34, 46, 56],
  [40, 28, 64, 50],
  [34, 18, 52, 40],
  [28, 20, 54, 38],
  [52, 36, 70, 60],
] as const
