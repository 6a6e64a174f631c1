import { readFileSync } from "node:fs"
import { z } from "zod"
import type { Dataset } from "../../datasets/dataset.js"
import { DataError } from "../core/errors.js"
import type { Suspect } from "../eval/suspects.js"

const suspectSchema = z.looseObject({
  kind: z.enum(["missing", "class", "spurious"]),
  imageId: z.number(),
  imageName: z.string(),
  bbox: z.tuple([z.number(), z.number(), z.number(), z.number()]),
  truthId: z.number().optional(),
  labelled: z.string().optional(),
  found: z.string().optional(),
  score: z.number().optional(),
  suspicion: z.number(),
})
const listSchema = z.array(suspectSchema)

/** A suspect, and the split of the data set that its image is in; `imageName` is that of the data set's record. */
export type SplitSuspect = Suspect & { readonly split: string }

/**
 * Suspected label errors that `eval --suspects --json FILE` wrote, or a list of them, each with its split.
 * @param sets the splits that are looked at; where two hold an image of that name, it is of the one that holds more of
 *   the list
 * @throws DataError for a file that holds no such list, or names an image that none of the splits has
 */
export function readSuspects(path: string, sets: readonly Dataset[]): SplitSuspect[] {
  const suspects = parse(path)
  const names = new Map(sets.map((set) => [set, new Set(set.images.map(({ id }) => id))]))
  // A COCO file names images with their ending, a data set without.
  const nameIn = (set: Dataset, name: string) =>
    [name, name.replace(/\.[A-Za-z]\w*$/, "")].find((one) => names.get(set)!.has(one))
  const held = (set: Dataset) => suspects.filter(({ imageName }) => nameIn(set, imageName) !== undefined).length
  const byShare = [...sets].sort((a, b) => held(b) - held(a))
  return suspects.map((suspect, i) => {
    for (const set of byShare) {
      const imageName = nameIn(set, suspect.imageName)
      if (imageName !== undefined) return { ...suspect, imageName, split: set.split }
    }
    const looked = sets.map(({ split }) => split).join(", ")
    throw new DataError(
      `${path}: suspect ${i}: no image "${suspect.imageName}" in ${sets[0]!.source} (split ${looked}). ` +
        "Expected the list of an evaluation of this data",
    )
  })
}

/** The suspects of a split, image by image, the most suspicious image first. */
export function suspectsByImage(suspects: readonly SplitSuspect[], split: string): Map<string, SplitSuspect[]> {
  const byImage = new Map<string, SplitSuspect[]>()
  for (const suspect of suspects) {
    if (suspect.split !== split) continue
    const others = byImage.get(suspect.imageName)
    if (others === undefined) byImage.set(suspect.imageName, [suspect])
    else others.push(suspect)
  }
  return byImage
}

function parse(path: string): Suspect[] {
  let document: unknown
  try {
    document = JSON.parse(readFileSync(path, "utf8"))
  } catch (error) {
    throw new DataError(`${path}: expected a document of eval --suspects --json: ${(error as Error).message}`)
  }
  const list = Array.isArray(document) ? document : (document as { suspects?: unknown } | null)?.suspects
  if (list === undefined) {
    throw new DataError(`${path}: expected "suspects". Make them with eval --suspects --json ${path}`)
  }
  const { data, error } = listSchema.safeParse(list)
  if (data !== undefined) return data as Suspect[]
  const { path: at, message } = error.issues[0]!
  throw new DataError(`${path}: suspect ${at.join(".")}: ${message}`)
}
