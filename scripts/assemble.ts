import wabt from "wabt"

/** WebAssembly's text form to its binary form. @throws Error with the place of a mistake */
export async function assembled(name: string, source: string): Promise<Buffer> {
  const module = (await wabt()).parseWat(name, source, { simd: true })
  module.resolveNames()
  module.validate()
  return Buffer.from(module.toBinary({}).buffer)
}
