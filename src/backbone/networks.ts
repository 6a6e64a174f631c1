import { UsageError } from "../core/errors.js"
import { didYouMean } from "../core/suggest.js"
import { basic, depths, type NetworkSpec, type ResNetOptions, resNetSpec, shortcut } from "./architecture.js"

export interface CifarOptions {
  readonly plain: boolean
  /** The paper's shortcut options: its CIFAR networks have A. */
  readonly shortcut: ResNetOptions["shortcut"]
  /** Where option A's zero channels stand. */
  readonly zeros: "after" | "both"
}

/**
 * @source He et al. 2016 section 4.2: option A; fb.resnet.torch: zeros behind the channels; akamaster/pytorch_resnet_cifar10
 * has them on both sides
 */
export const cifarDefaults: CifarOptions = { plain: false, shortcut: "A", zeros: "after" }

/** @source He et al. 2016 section 4.2 and Table 6: 6n + 2 layers */
const cifarDepths = { resnet: [20, 32, 44, 56, 110, 1202], plain: [20, 32, 44, 56, 110] } as const

/**
 * A CIFAR-10 network: a 3x3 convolution of 16 filters, then three stages of 16, 32 and 64 filters.
 * @param depth 6n + 2
 * @source He et al. 2016 section 4.2
 */
export function cifarSpec(depth: number, options: Partial<CifarOptions> = {}): NetworkSpec {
  const { plain, shortcut: option, zeros } = { ...cifarDefaults, ...options }
  const count = (depth - 2) / 6
  if (!Number.isInteger(count) || count < 1) {
    throw new UsageError(`cifarSpec: expected a depth of 6n + 2, such as 20 or 56, got ${depth}`)
  }
  let channels = 16
  const stages = [16, 32, 64].map((width, stage) =>
    Array.from({ length: count }, (_, index) => {
      const sizes = { in: channels, width, out: width, stride: stage > 0 && index === 0 ? 2 : 1 }
      channels = width
      return { layers: basic(sizes), shortcut: plain ? "none" : shortcut(option, sizes, zeros) }
    }),
  )
  const stem = { conv: "conv1", norm: "bn1", kernel: 3, stride: 1, in: 3, out: 16 }
  const name = `cifar_${plain ? "plain" : "resnet"}${depth}`
  return { name, inputSize: [32, 32], classes: 10, stem, pool: false, stages }
}

/** What any of the networks can be told; each takes what concerns it. */
export type NetworkOptions = Partial<ResNetOptions & CifarOptions>

const makers: ReadonlyMap<string, (options: NetworkOptions) => NetworkSpec> = new Map([
  ...depths.map(
    (depth) => [`resnet${depth}`, (options: Partial<ResNetOptions>) => resNetSpec(depth, options)] as const,
  ),
  ...([18, 34] as const).map(
    (depth) =>
      [`plain${depth}`, (options: Partial<ResNetOptions>) => resNetSpec(depth, { ...options, plain: true })] as const,
  ),
  ...(["resnet", "plain"] as const).flatMap((kind) =>
    cifarDepths[kind].map(
      (depth) =>
        [
          `cifar_${kind}${depth}`,
          (options: Partial<CifarOptions>) => cifarSpec(depth, { ...options, plain: kind === "plain" }),
        ] as const,
    ),
  ),
])

/** The classification networks by name: `resnet18`, ..., `plain34`, `cifar_resnet20`, ... */
export const networkNames: readonly string[] = [...makers.keys()]

/** @throws UsageError for a name that is not among `networkNames` */
export function networkSpec(name: string, options: NetworkOptions = {}): NetworkSpec {
  const make = makers.get(name)
  if (!make) {
    throw new UsageError(`no network "${name}".${didYouMean(name, networkNames)} Known: ${networkNames.join(", ")}`)
  }
  return make(options)
}
