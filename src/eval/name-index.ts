/** Several images go by a name. */
export const SEVERAL = -2

/** `./images\\000042.jpg` as `images/000042.jpg`. */
const pathOf = (name: string) =>
  name
    .split(/[\\/]+/)
    .filter((part) => part !== "" && part !== "." && part !== "..")
    .join("/")

/** Without an ending; the part after a dot is none where it begins with a digit. */
export const stemOf = (path: string): string => path.replace(/\.[A-Za-z]\w*$/, "")

/** What is left of a path without its first folders, the longest first. */
function endsOf(path: string): string[] {
  const parts = path.split("/")
  return parts.map((_, first) => parts.slice(first).join("/"))
}

/** `detect` writes blanks in the names of VOC's files as %20. */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

/**
 * Finds images by what others call them: with or without ending, with fewer folders or with more in front. Folders that differ make
 * another image.
 */
export class NameIndex {
  readonly #exact = new Map<string, number>()
  /** By the whole path, with or without ending. */
  readonly #whole: ReadonlyMap<string, number>
  /** By the path's last parts likewise. */
  readonly #ends: ReadonlyMap<string, number>

  constructor(names: readonly string[]) {
    const paths = names.map(pathOf)
    put(this.#exact, names, (name) => [name])
    this.#whole = placesBy(paths, (path) => [path])
    this.#ends = placesBy(paths, endsOf)
  }

  /** Place of the image of this name, -1 for none, `SEVERAL` for several. */
  place(name: string): number {
    const exact = this.#exact.get(name)
    if (exact !== undefined) return exact
    const spellings = [...new Set([name, decoded(name)])].map((one) => endsOf(pathOf(one)))
    const most = Math.max(...spellings.map((ends) => ends.length))
    for (let dropped = 0; dropped < most; dropped++) {
      for (const ends of spellings) {
        const path = ends[dropped]
        const place = path === undefined ? undefined : this.#at(path, dropped === 0)
        if (place !== undefined) return place
      }
    }
    return -1
  }

  /** @param isAll whether the path has all folders, so that an image may have more */
  #at(path: string, isAll: boolean): number | undefined {
    const stem = stemOf(path)
    const own = [path, stem].map((one) => this.#whole.get(one) ?? (isAll ? this.#ends.get(one) : undefined))
    // A data set that is written anew has folders in the names of its files: see `writeDataset`.
    const flat = ["__", "_"].flatMap((mark) => [path, stem].map((one) => this.#whole.get(one.replaceAll("/", mark))))
    return [...own, ...flat].find((place) => place !== undefined)
  }
}

/** Places by keys of the paths, and by the same without ending: a key with its ending counts first. */
function placesBy(paths: readonly string[], keysOf: (path: string) => readonly string[]): Map<string, number> {
  const places = new Map<string, number>()
  put(places, paths, (path) => keysOf(stemOf(path)))
  const whole = new Map<string, number>()
  put(whole, paths, keysOf)
  for (const [key, place] of whole) places.set(key, place)
  return places
}

function put(places: Map<string, number>, names: readonly string[], keysOf: (name: string) => readonly string[]): void {
  for (const [i, name] of names.entries()) {
    for (const key of keysOf(name)) {
      const other = places.get(key)
      places.set(key, other === undefined || other === i ? i : SEVERAL)
    }
  }
}
