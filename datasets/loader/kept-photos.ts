import { createHash, randomUUID } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { readFile, rename, stat, writeFile } from "node:fs/promises"
import { freemem, tmpdir } from "node:os"
import { join } from "node:path"
import type { RgbImage } from "../image/rgb.js"
import { type OpenOptions, openSample, type Photo, type Sample } from "../open-sample.js"

/** How decoded photos are kept, so that none is decoded twice: in memory that threads share, or in files. */
export type Keeping = "ram" | { readonly folder: string }

/** A photo opened by a thread, and its pixels in shared memory where they are to be kept there. */
export interface KeptSample extends Sample {
  readonly shared?: RgbImage | undefined
}

/**
 * Opens a photo, from its file of decoded pixels where there is one. What has a fault is not kept: it is told each time,
 * as without keeping.
 */
export async function openKept(photo: Photo, how: OpenOptions, keeping: Keeping | undefined): Promise<KeptSample> {
  if (keeping === undefined || (photo.image !== undefined && typeof photo.image !== "string")) {
    return openSample(photo, how)
  }
  if (keeping === "ram") {
    const sample = await openSample(photo, how)
    const { image } = sample
    return { ...sample, shared: image && sample.problems.length === 0 ? inSharedMemory(image) : undefined }
  }
  const path = await pathOf(photo, keeping.folder)
  const found = path && (await readPixels(path))
  if (found) return { image: found, problems: [] }
  const sample = await openSample(photo, how)
  if (path && sample.image && sample.problems.length === 0) await writePixels(path, sample.image)
  return sample
}

function inSharedMemory({ data, height, width }: RgbImage): RgbImage {
  const shared = new Uint8Array(new SharedArrayBuffer(data.length))
  shared.set(data)
  return { data: shared, height, width }
}

/** A file's pixels hang on its content, and on the frame that its annotation tells. */
async function pathOf(
  { file, image, width, height, frame, window }: Photo,
  folder: string,
): Promise<string | undefined> {
  const source = typeof image === "string" ? image : file
  const state = await stat(source).catch(() => undefined)
  if (state === undefined) return undefined
  const key = JSON.stringify([source, state.size, state.mtimeMs, width, height, frame, window])
  return join(folder, `${createHash("sha256").update(key).digest("hex")}.rgb`)
}

/** Bytes before the pixels: height and width. */
const headerBytes = 8

async function readPixels(path: string): Promise<RgbImage | undefined> {
  const bytes = await readFile(path).catch(() => undefined)
  if (bytes === undefined || bytes.length < headerBytes) return undefined
  const [height, width] = [bytes.readUInt32LE(0), bytes.readUInt32LE(4)]
  const data = bytes.subarray(headerBytes)
  return data.length === 3 * height * width ? { data, height, width } : undefined
}

/** Beside and renamed: other threads read only whole files. A full disk only means that the photo is not kept. */
async function writePixels(path: string, { data, height, width }: RgbImage): Promise<void> {
  const header = Buffer.alloc(headerBytes)
  header.writeUInt32LE(height, 0)
  header.writeUInt32LE(width, 4)
  const part = `${path}.${randomUUID()}`
  try {
    await writeFile(part, Buffer.concat([header, data]))
    await rename(part, path)
  } catch {
    rmSync(part, { force: true })
  }
}

/** What a loader keeps. */
export class KeptPhotos {
  readonly #keeping: Keeping | undefined
  readonly #photos = new Map<string, RgbImage>()
  /** Bytes of memory that may still be taken. */
  #left: number

  /**
   * @param how `disk`: files in a folder of the system's temporary one, removed by `close`; `ram`: up to `room` bytes, half
   * of what is free when left out
   */
  constructor(how: "ram" | "disk" | null, room = freeBytes() / 2) {
    this.#keeping = how === "disk" ? { folder: mkdtempSync(join(tmpdir(), "resdet-photos-")) } : (how ?? undefined)
    this.#left = room
  }

  /** What threads are to do with what they decode; nothing any more where memory is full. */
  get keeping(): Keeping | undefined {
    return this.#keeping === "ram" && this.#left <= 0 ? undefined : this.#keeping
  }

  /** The photo to be opened: in its frame already, where it is kept in memory. */
  of(photo: Photo): Photo {
    const image = this.#photos.get(keyOf(photo))
    return image === undefined ? photo : { file: photo.file, image }
  }

  take(photo: Photo, shared: RgbImage | undefined): void {
    const key = keyOf(photo)
    if (shared === undefined || this.#photos.has(key)) return
    const left = this.#left - shared.data.length
    if (left >= 0) this.#photos.set(key, shared)
    this.#left = Math.max(0, left)
  }

  close(): void {
    this.#photos.clear()
    if (typeof this.#keeping === "object") rmSync(this.#keeping.folder, { recursive: true, force: true })
  }
}

const keyOf = ({ file, window }: Photo) => (window === undefined ? file : [...window, file].join(" "))

/** In a container that is the container's. */
const freeBytes = () => process.availableMemory?.() ?? freemem()
