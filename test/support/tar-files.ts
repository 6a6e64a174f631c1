import { Header, type HeaderData } from "tar"

/** A file of an archive, or what else one can hold. */
export interface TarMember extends Partial<HeaderData> {
  readonly path: string
  readonly content?: string | Uint8Array
}

/** A tar archive of members in their order, by node-tar's headers. */
export function tarFile(members: readonly TarMember[], end = Buffer.alloc(1024)): Buffer {
  const blocks = members.flatMap(({ content = "", ...header }) => {
    const bytes = Buffer.from(content)
    const block = Buffer.alloc(512)
    new Header({ mode: 0o644, type: "File", size: bytes.length, ...header }).encode(block)
    return [block, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]
  })
  return Buffer.concat([...blocks, end])
}

/** Files by their paths as an archive. */
export const tarOf = (files: Readonly<Record<string, string | Uint8Array>>): Buffer =>
  tarFile(Object.entries(files).map(([path, content]) => ({ path, content })))
