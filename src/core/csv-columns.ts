/** What the columns of boxes are called in CSV files, as `plain` writes it; the first that is there counts. */
export const headings = {
  image: ["image", "path", "filename", "file", "filepath", "imagepath", "imagename", "img", "imageid", "name"],
  label: ["label", "labelname", "classname", "categoryname", "name", "class", "category"],
  x1: ["x1", "xmin", "left"],
  y1: ["y1", "ymin", "top"],
  x2: ["x2", "xmax", "right"],
  y2: ["y2", "ymax", "bottom"],
} as const

/** A heading without what people spell differently: `X_Min`, `x min` and `xmin` are one. */
const plain = (heading: string) => heading.toLowerCase().replace(/[\s_.#-]/g, "")

/** The columns of a table by its first line. */
export class CsvHeader {
  readonly #places = new Map<string, number>()
  readonly #repeated = new Set<string>()
  #twice: string | undefined

  constructor(row: readonly string[]) {
    for (const [place, heading] of row.entries()) {
      if (this.#places.has(plain(heading))) this.#repeated.add(plain(heading))
      else this.#places.set(plain(heading), place)
    }
  }

  /** A column that was asked for and stands twice, so that nobody can say which one is meant. */
  get twice(): string | undefined {
    return this.#twice
  }

  /** The place of the first of the names that is there, `but` for one that is taken; undefined without any. */
  place(names: readonly string[], but?: number): number | undefined {
    const found = names.find((name) => this.#places.has(name) && this.#places.get(name) !== but)
    if (found === undefined) return undefined
    if (this.#repeated.has(found)) this.#twice ??= found
    return this.#places.get(found)
  }

  /** The places of several columns, once all of them are there. */
  places<const Names extends readonly (readonly string[])[]>(
    names: Names,
  ): { readonly [At in keyof Names]: number } | undefined {
    const places = names.map((one) => this.place(one))
    return places.includes(undefined) ? undefined : (places as unknown as { readonly [At in keyof Names]: number })
  }
}

/** What separates the columns of a CSV text: a semicolon or a tab where its first line has no comma. */
export function csvDelimiter(text: string): string {
  const firstLine = /^[^\r\n]*/.exec(text)![0]
  return [",", ";", "\t"].find((mark) => firstLine.includes(mark)) ?? ","
}
