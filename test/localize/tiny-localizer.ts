import { Trunk } from "../../src/backbone/resnet.js"
import { ClassHead } from "../../src/localize/class-head.js"
import { ClassRpn } from "../../src/localize/class-rpn.js"
import { classRpnDefaults } from "../../src/localize/options.js"
import { Parameters, Scope } from "../../src/tensor/parameters.js"
import { seededRandom } from "../../src/tensor/random.js"
import { tinyNetwork } from "../support/tiny-network.js"

/** A per-class RPN of two classes on a small trunk of stride 8, for crops of 64 pixels. */
export function tinyLocalizer() {
  const parameters = new Parameters(seededRandom(1))
  const scope = new Scope(parameters)
  const trunk = new Trunk(scope.in("backbone"), tinyNetwork, { norm: "group", stages: 2, frozen: 0 })
  const anchors = { sizes: [24, 40], ratios: [0.5, 1, 2] }
  const head = new ClassHead(scope.in("rpn"), { channels: trunk.channels, anchors: 6, numClasses: 2 })
  return { rpn: new ClassRpn({ trunk, head }, { ...classRpnDefaults, anchors }), parameters }
}

/** Where the made-up pictures have their rectangles, in 72 x 96 pixels. */
export const rectangleBoxes = [
  [10, 10, 40, 40],
  [40, 20, 90, 50],
  [50, 10, 75, 60],
  [5, 30, 45, 60],
  [30, 20, 70, 60],
  [60, 5, 90, 35],
  [20, 15, 80, 45],
  [10, 5, 35, 50],
] as const
