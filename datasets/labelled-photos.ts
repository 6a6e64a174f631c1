import { DataError } from "../src/core/errors.js"
import type { FaultLog } from "./faults.js"
import type { LabelledSet } from "./labelled-set.js"
import { openSample, type Photo } from "./open-sample.js"
import { readArchivePart } from "./tar/bytes.js"
import type { TarEntry } from "./tar/entries.js"

/** A classification set of images that are decoded when they are asked for. */
export interface LabelledPhotos extends LabelledSet {
  readonly format: "folder" | "ilsvrc" | "webdataset"
  photo(index: number): Photo
  /** Where each shard's images begin, where they lie in shards, whose images are read one after another. */
  readonly shards?: readonly number[]
}

/** One image of a set and its class: there may be millions. */
export interface LabelledPhoto {
  /** What it is called in messages and result files. */
  readonly name: string
  /** Path of its file, or of the archive of which it is a part. */
  readonly file: string
  readonly part?: TarEntry | undefined
  readonly label: number
}

/** A set of images of known classes, in the order given. */
export function labelledPhotos(
  set: Pick<LabelledPhotos, "format" | "source" | "split" | "classes" | "shards" | "notices">,
  images: readonly LabelledPhoto[],
  log: FaultLog,
): LabelledPhotos {
  return {
    ...set,
    labels: Int32Array.from(images, ({ label }) => label),
    faults: log.faults,
    name: (index) => images[index]!.name,
    photo: (index) => photoOf(images[index]!),
    image: (index) => openLabelled(photoOf(images[index]!)),
  }
}

/** Some images of a set, as a split of its own. @param places of the images in the set, in rising order */
export function partOfSet(set: LabelledPhotos, split: string, places: readonly number[]): LabelledPhotos {
  const { shards } = set
  return {
    ...set,
    split,
    ...(shards && { shards: startsAmong(places, shards) }),
    labels: Int32Array.from(places, (place) => set.labels[place]!),
    name: (index) => set.name(places[index]!),
    photo: (index) => set.photo(places[index]!),
    image: (index) => set.image(places[index]!),
  }
}

/** Where each shard's images begin among `places`; where it has none there, the next one's begin. */
function startsAmong(places: readonly number[], shards: readonly number[]): number[] {
  let next = 0
  return shards.map((start) => {
    while (next < places.length && places[next]! < start) next++
    return next
  })
}

function photoOf({ name, file, part }: LabelledPhoto): Photo {
  return part === undefined ? { file } : { file: name, image: () => readArchivePart(file, part.at, part.size) }
}

async function openLabelled(photo: Photo) {
  const { image, problems } = await openSample(photo)
  if (image === undefined) throw new DataError(`${photo.file}: ${problems[0]!.message}`)
  return image
}
