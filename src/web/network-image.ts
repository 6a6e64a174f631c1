import { RgbPhoto } from "../../datasets/image/photo.js"
import { inputSize } from "../../datasets/image/size.js"
import { channelByChannel } from "../onnx/channel-by-channel.js"
import type { NetworkImage } from "../onnx/detector-session.js"
import type { DetectorFacts } from "./graph-file.js"
import type { RgbaPixels } from "./read-pixels.js"

/** Pixels as the network takes them: resized, normalised and padded by the code that does it in training. */
export function networkImage(
  { data, height, width }: RgbaPixels,
  { sizes, input }: Pick<DetectorFacts, "sizes" | "input">,
): NetworkImage {
  const photo = new RgbPhoto({ data: withoutAlpha(data), height, width }).input(sizes, input)
  const [, rows, columns] = photo.shape
  const pixels = { shape: [1, 3, rows, columns], values: channelByChannel(photo.values) }
  return { ...inputSize(height, width, sizes), pixels }
}

function withoutAlpha(rgba: Uint8ClampedArray): Uint8Array {
  const rgb = new Uint8Array((3 * rgba.length) / 4)
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    rgb[to++] = rgba[from]!
    rgb[to++] = rgba[from + 1]!
    rgb[to++] = rgba[from + 2]!
  }
  return rgb
}
