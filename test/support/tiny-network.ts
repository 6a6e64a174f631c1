import type { NetworkSpec } from "../../src/backbone/architecture.js"

const layer = (conv: string, kernel: number, stride: number, from: number, to: number) => ({
  conv,
  norm: conv.startsWith("downsample") ? "downsample.1" : conv.replace("conv", "bn"),
  kernel,
  stride,
  in: from,
  out: to,
})

/** A ResNet with one basic and one bottleneck stage of 32 and 64 channels: every kind of layer, built in no time. */
export const tinyNetwork: NetworkSpec = {
  name: "tiny",
  inputSize: [32, 32],
  classes: 1000,
  stem: layer("conv1", 7, 2, 3, 32),
  pool: true,
  stages: [
    [{ layers: [layer("conv1", 3, 1, 32, 32), layer("conv2", 3, 1, 32, 32)], shortcut: "identity" }],
    [
      {
        layers: [layer("conv1", 1, 1, 32, 32), layer("conv2", 3, 2, 32, 32), layer("conv3", 1, 1, 32, 64)],
        shortcut: layer("downsample.0", 1, 2, 32, 64),
      },
    ],
  ],
}
