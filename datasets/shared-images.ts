import { createHash } from "node:crypto"
import { readFileSync, statSync } from "node:fs"
import type { Dataset, ImageRecord } from "./dataset.js"

/** Images that two splits have in common: the same file, or another with the same content. */
export interface SharedImages {
  readonly splits: readonly [string, string]
  readonly count: number
  /** One of them, by its names in both. */
  readonly example: readonly [string, string]
}

/** The images of `some` that `others` has as well: the same file or, given from code, the same pixels in memory. */
export function sameImages(some: Dataset, others: Dataset): ImageRecord[] {
  const sourceOf =
    ({ format }: Dataset) =>
    (image: ImageRecord) =>
      (format === "samples" && image.image) || image.file
  const known = new Set(others.images.map(sourceOf(others)))
  const source = sourceOf(some)
  return some.images.filter((image) => known.has(source(image)))
}

/** What each two splits share, also under other names; only files of one length are read. */
export function sharedImages(sets: readonly Dataset[]): SharedImages[] {
  if (sets.length < 2) return []
  const content = contentOf(sets)
  const shared: SharedImages[] = []
  for (const [i, first] of sets.entries()) {
    for (const second of sets.slice(i + 1)) {
      const known = new Map(first.images.map((image) => [content(image), image.id]))
      const found = second.images.flatMap((image): [string, string][] => {
        const other = known.get(content(image))
        return other === undefined ? [] : [[other, image.id]]
      })
      if (found.length === 0) continue
      shared.push({ splits: [first.split, second.split], count: found.length, example: found[0]! })
    }
  }
  return shared
}

/** What tells an image's content: its file, or the hash of one whose length is not its alone. */
function contentOf(sets: readonly Dataset[]): (image: ImageRecord) => string {
  const lengths = new Map<string, number>()
  const filesOf = new Map<number, Set<string>>()
  for (const { file } of sets.flatMap(({ images }) => images)) {
    const length = statSync(file, { throwIfNoEntry: false })?.size ?? -1
    lengths.set(file, length)
    filesOf.set(length, (filesOf.get(length) ?? new Set()).add(file))
  }
  const hashes = new Map<string, string>()
  return ({ file }) => {
    const known = hashes.get(file)
    if (known !== undefined) return known
    const length = lengths.get(file)!
    const isAlone = length < 0 || filesOf.get(length)!.size === 1
    const hash = isAlone ? file : createHash("sha1").update(readFileSync(file)).digest("hex")
    hashes.set(file, hash)
    return hash
  }
}
