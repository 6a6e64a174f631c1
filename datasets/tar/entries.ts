import { Header, Pax } from "tar"
import { DataError } from "../../src/core/errors.js"
import { shown } from "../../src/core/shown.js"
import { expectInside } from "../folder.js"
import type { ArchiveBytes } from "./bytes.js"

/** A file in an archive, which stays where it is. */
export interface TarEntry {
  /** With `/` between folders. */
  readonly name: string
  /** Where its bytes begin in the archive, and how many they are. */
  readonly at: number
  readonly size: number
}

/** @source POSIX.1, pax: ustar interchange format */
const BLOCK = 512

/** Of a name or an extended header; real ones have some hundred bytes. */
const longest = 1 << 20

/** Names that tell of the next entry, or of all that follow. @source node-tar, `types.js` */
const extended = { ExtendedHeader: "local", OldExtendedHeader: "local", GlobalExtendedHeader: "global" } as const

/** Which part of an archive is looked at: an archive within another is one. */
export interface TarPart {
  readonly begin: number
  readonly end: number
}

/**
 * The files of a tar archive in its order, found by their headers alone. Folders are passed over; links and devices are too, and
 * counted by `onOther`: nothing is written, and none is followed.
 * @throws DataError for an archive that is compressed, broken or cut off, or names a file outside of it
 */
export function* tarEntries(
  bytes: ArchiveBytes,
  { begin, end }: TarPart = { begin: 0, end: bytes.size },
  onOther: (name: string) => void = () => undefined,
): Generator<TarEntry, void, undefined> {
  const fail = (what: string, at: number): never => {
    throw new DataError(`${bytes.path}: no tar archive, or a broken one: ${what} at byte ${at}`)
  }
  let [local, global, name]: [Pax | undefined, Pax | undefined, string | undefined] = [undefined, undefined, undefined]
  for (let at = begin; ; ) {
    if (at + BLOCK > end) throw new DataError(`${bytes.path}: the archive is cut off: it has no end. Fetch it again`)
    const block = bytes.read(at, BLOCK)
    if (at === begin && block[0] === 0x1f && block[1] === 0x8b) {
      throw new DataError(
        `${bytes.path}: is compressed by gzip, which cannot be read by place. Unpack it with gunzip first`,
      )
    }
    const header = headerOf(block, local, global)
    if (header?.nullBlock) return
    if (!header?.cksumValid) return fail("a header with a wrong checksum", at)
    const size = header.size ?? 0
    if (!Number.isSafeInteger(size) || size < 0) fail("a file of no size", at)
    const from = at + BLOCK
    if (from + size > end) {
      throw new DataError(
        `${bytes.path}: the archive is cut off: ${shown(header.path ?? "")} has ${size} bytes, and ${end - from} are left`,
      )
    }
    const { type } = header
    at = from + BLOCK * Math.ceil(size / BLOCK)
    const kind = extended[type as keyof typeof extended]
    if (kind !== undefined || type.startsWith("NextFileHasLong") || type === "OldGnuLongPath") {
      if (size > longest) fail(`an extended header of ${size} bytes`, from)
      const text = bytes.read(from, size).toString("utf8")
      if (kind === "global") global = Pax.parse(text, global, true)
      else if (kind === "local") local = Pax.parse(text, local)
      else if (type !== "NextFileHasLongLinkpath") name = text.replace(/\0.*/s, "")
      continue
    }
    // Of an extended header the path is whole; node-tar would put the prefix of the short one before it.
    const path = local?.path ?? name ?? header.path ?? ""
    ;[local, name] = [undefined, undefined]
    if (type === "Directory") continue
    if (!/^(Old|Contiguous)?File$/.test(type)) {
      onOther(path)
      continue
    }
    expectInside(path, bytes.path)
    yield { name: path.replace(/^(\.\/)+/, ""), at: from, size }
  }
}

/** Undefined where its numbers are none. */
function headerOf(block: Buffer, local: Pax | undefined, global: Pax | undefined): Header | undefined {
  try {
    return new Header(block, 0, local, global)
  } catch {
    return undefined
  }
}
