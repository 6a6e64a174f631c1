type Sharp = typeof import("sharp").default

let loaded: Promise<Sharp | undefined> | undefined

/** The sharp library, or undefined on a machine that cannot load its native code. */
export function loadSharp(): Promise<Sharp | undefined> {
  loaded ??= import("sharp").then(
    ({ default: sharp }) => {
      // Images are small and many: one thread an image, and nothing kept between them.
      sharp.concurrency(1)
      sharp.cache(false)
      return sharp
    },
    () => undefined,
  )
  return loaded
}
