import type { ModelConfig } from "../detector/model.js"

type Sizes = Pick<ModelConfig, "size" | "maxSize">

/** A shorter side of one's own takes the longest along in proportion, unless that is given too. */
export function inputSizes(
  base: Sizes,
  { size, maxSize }: { readonly [Name in keyof Sizes]?: Sizes[Name] | undefined },
): Sizes {
  const shorter = size ?? base.size
  return { size: shorter, maxSize: maxSize ?? Math.round((shorter * base.maxSize) / base.size) }
}
