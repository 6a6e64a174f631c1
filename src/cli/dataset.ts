import { writeFileSync } from "node:fs"
import type { Command } from "commander"
import type { Dataset, Fault } from "../../datasets/dataset.js"
import type { ReadOptions } from "../../datasets/options.js"
import type { WriteFormat } from "../../datasets/write.js"
import { UsageError } from "../tensor/errors.js"
import { didYouMean } from "../tensor/suggest.js"

interface ReadFlags {
  readonly split?: string
  readonly images?: string
  readonly corners?: string
  readonly json?: string
}

/** Adds `dataset check|stats|convert|split|view|demo` to the command line. */
export function configure(command: Command): void {
  command.description("looks at, repairs, converts, divides and makes data sets")
  readFlags(command.command("check <data>"))
    .description("names every fault with its file and object; exits with 3 when there are any")
    .option("--headers", "read only the headers of the images: quicker, but finds no file that ends early")
    .option("--json <file>", "write one JSON document to a file, or to stdout with -")
    .action(async (data: string, flags: ReadFlags & { headers?: boolean }) => check(data, flags))
  readFlags(command.command("stats <data>"))
    .description("counts images, objects and box sizes")
    .option("--size <pixels>", "shorter side of the resized images", wholeNumber, 800)
    .option("--max-size <pixels>", "longest side of the resized images", wholeNumber, 1333)
    .option("--json <file>", "write one JSON document to a file, or to stdout with -")
    .action(async (data: string, flags: ReadFlags & { size: number; maxSize: number }) => stats(data, flags))
  readFlags(command.command("convert <data>"))
    .description("writes a data set in another format")
    .requiredOption("--to <format>", "voc, coco or yolo")
    .requiredOption("--out <folder>", "a folder that does not exist yet")
    .option("--link", "hard links instead of copies of the images")
    .action(async (data: string, flags: ReadFlags & { to: string; out: string; link?: boolean }) =>
      convert(data, flags),
    )
  readFlags(command.command("split <data>"))
    .description("divides the images of one split into train, val and test, each class in its share")
    .requiredOption("--out <folder>", "a folder that does not exist yet")
    .option("--val <share>", "share of the images for val", share, 0.2)
    .option("--test <share>", "share of the images for test", share, 0)
    .option("--seed <number>", "another seed, another division", wholeNumber, 0)
    .option("--to <format>", "voc, coco or yolo (default: as read)")
    .option("--link", "hard links instead of copies of the images")
    .action(async (data: string, flags: SplitFlags) => split(data, flags))
  readFlags(command.command("view <data>"))
    .description("draws images with their truths into a folder")
    .option("--out <folder>", "where the pictures go", "runs/view")
    .option("--count <number>", "how many", wholeNumber, 16)
    .option("--seed <number>", "which ones", wholeNumber, 0)
    .action(async (data: string, flags: ReadFlags & { out: string; count: number; seed: number }) => view(data, flags))
  command
    .command("demo <folder>")
    .description("makes a small VOC data set: handwritten digits, or shapes where the package mnist is not installed")
    .option("--images <number>", "training pictures", wholeNumber, 600)
    .option("--val-images <number>", "pictures to score on", wholeNumber, 150)
    .option("--seed <number>", "another seed, other pictures", wholeNumber, 0)
    .option("--shapes", "shapes in any case")
    .action(async (folder: string, flags: { images: number; valImages: number; seed: number; shapes?: boolean }) =>
      demo(folder, flags),
    )
}

function readFlags(command: Command): Command {
  return command
    .option("--split <name>", "only this split (default: train, val and test where present)")
    .option("--images <folder>", "folder of the images of a COCO file")
    .option("--corners <rule>", "what VOC corners mean: auto, one-based or zero-based", "auto")
}

async function read(data: string, flags: ReadFlags): Promise<Dataset[]> {
  const { readSplits } = await import("../../datasets/splits.js")
  const { corners } = flags
  if (corners !== "auto" && corners !== "one-based" && corners !== "zero-based") {
    throw new UsageError(`Expected --corners to be auto, one-based or zero-based, got "${corners}"`)
  }
  const options: Partial<ReadOptions> = {
    corners,
    ...(flags.split === undefined ? {} : { split: flags.split }),
    ...(flags.images === undefined ? {} : { images: flags.images }),
  }
  const found = await readSplits(data, options)
  // A class that only one split holds must not shift the labels of the others.
  const { orderClasses } = await import("../../datasets/classes.js")
  const classes = found[0]!.format === "voc" ? orderClasses(found.flatMap((set) => set.classes)) : found[0]!.classes
  const sets = found.length > 1 ? await readSplits(data, { ...options, classes }) : found
  for (const set of sets) {
    tell(`${data}: ${set.format}, split ${set.split}: ${set.images.length} images, ${set.classes.length} classes`)
    for (const notice of set.notices ?? []) tell(notice)
  }
  return sets
}

async function check(data: string, flags: ReadFlags & { headers?: boolean }): Promise<void> {
  const { checkImages } = await import("../../datasets/check-images.js")
  const { countFaults, formatFault } = await import("../../datasets/faults.js")
  const faults: (Fault & { readonly split: string })[] = []
  const sets = await read(data, flags)
  for (const set of sets) {
    const ofImages = await checkImages(set, { decode: !flags.headers, onProgress: progress(`${set.split}: looked at`) })
    for (const fault of [...set.faults, ...ofImages]) faults.push({ split: set.split, ...fault })
  }
  const counts = Object.fromEntries(countFaults(faults))
  if (flags.json !== undefined) {
    const splits = sets.map((set) => ({ split: set.split, images: set.images.length, classes: set.classes }))
    writeJson(flags.json, { format: sets[0]!.format, splits, counts, faults })
  }
  if (flags.json !== "-") {
    for (const fault of faults) console.log(`${fault.split}: ${formatFault(fault, false)}`)
    const parts = Object.entries(counts).map(([kind, count]) => `${count} ${kind}`)
    console.log(faults.length === 0 ? "no faults" : `${faults.length} faults: ${parts.join(", ")}`)
  }
  if (faults.length > 0) process.exitCode = 3
}

async function stats(data: string, flags: ReadFlags & { size: number; maxSize: number }): Promise<void> {
  const { datasetStats, sizeEdges } = await import("../../datasets/stats.js")
  const sets = await read(data, flags)
  const all = sets.map((set) => ({ split: set.split, ...datasetStats(set, flags) }))
  if (flags.json !== undefined) {
    const edges = sizeEdges.map((edge) => (Number.isFinite(edge) ? edge : null))
    writeJson(flags.json, { format: sets[0]!.format, sizeEdges: edges, splits: all })
  }
  if (flags.json === "-") return
  for (const { split, images, withoutObjects, objects, crowd, difficult, classes, sizes } of all) {
    console.log(`${split}: ${images} images (${withoutObjects} without objects), ${objects} objects`)
    if (crowd + difficult > 0) console.log(`  ${crowd} crowd, ${difficult} difficult`)
    const width = Math.max(...classes.map(({ name }) => name.length))
    for (const { name, objects, images } of classes) {
      console.log(`  ${name.padEnd(width)} ${String(objects).padStart(8)} objects in ${images} images`)
    }
    console.log(`  box sizes (square root of the area) at shorter side ${flags.size}:`)
    for (const [i, count] of sizes.entries()) {
      const label = `${i === 0 ? 0 : sizeEdges[i - 1]}..${Number.isFinite(sizeEdges[i]) ? sizeEdges[i] : ""}`
      const bar = "#".repeat(Math.round((40 * count) / Math.max(1, ...sizes)))
      console.log(`  ${label.padEnd(9)} ${String(count).padStart(8)} ${bar}`)
    }
  }
}

async function convert(data: string, flags: ReadFlags & { to: string; out: string; link?: boolean }): Promise<void> {
  const to = formatNamed(flags.to)
  const { writeDataset } = await import("../../datasets/write.js")
  const sets = await read(data, flags)
  const faults = await writeDataset(sets, to, flags.out, { link: flags.link ?? false })
  await tellFaults([...sets.flatMap((set) => set.faults), ...faults])
  console.log(flags.out)
}

interface SplitFlags extends ReadFlags {
  readonly val: number
  readonly test: number
  readonly seed: number
  readonly out: string
  readonly to?: string
  readonly link?: boolean
}

async function split(data: string, flags: SplitFlags): Promise<void> {
  const rest = 1 - flags.val - flags.test
  if (rest <= 0)
    throw new UsageError(`Expected --val and --test to leave something for train, got ${flags.val + flags.test}`)
  const { splitImages } = await import("../../datasets/splits.js")
  const { writeDataset } = await import("../../datasets/write.js")
  const sets = await read(data, { ...flags, split: flags.split ?? "train" })
  const set = sets[0]!
  const names = ["train", "val", "test"].slice(0, flags.test > 0 ? 3 : 2)
  const parts = splitImages(set.images, [rest, flags.val, flags.test].slice(0, names.length), flags.seed)
  const divided = parts.map((images, i) => ({ ...set, split: names[i]!, images }))
  const faults = await writeDataset(divided, formatNamed(flags.to ?? set.format), flags.out, {
    link: flags.link ?? false,
  })
  await tellFaults(faults)
  for (const { split, images } of divided) console.log(`${split} ${images.length}`)
}

async function view(data: string, flags: ReadFlags & { out: string; count: number; seed: number }): Promise<void> {
  const { join } = await import("node:path")
  const { openSamples } = await import("../../datasets/open-samples.js")
  const { drawBoxes, saveImage } = await import("../../datasets/image/draw.js")
  const { seededRandom, shuffleFirst } = await import("../tensor/random.js")
  for (const set of await read(data, flags)) {
    const chosen = [...set.images]
    shuffleFirst(chosen, flags.count, seededRandom(flags.seed))
    for await (const { record, image, problems } of openSamples(chosen.slice(0, flags.count))) {
      for (const { message } of problems) tell(`${record.file}: ${message}${image === undefined ? " (skipped)" : ""}`)
      if (image === undefined) {
        process.exitCode = 3
        continue
      }
      const drawn = Array.from(record.labels, (label, i) => ({
        box: record.boxes.subarray(4 * i, 4 * i + 4),
        label,
        text: set.classes[label - 1]! + (record.crowd[i] ? " crowd" : "") + (record.difficult[i] ? " difficult" : ""),
      }))
      const path = join(flags.out, set.split, `${record.id.replaceAll(/[\\/]/g, "_")}.jpg`)
      await saveImage(path, drawBoxes(image, drawn))
      console.log(path)
    }
  }
}

async function demo(
  folder: string,
  flags: { images: number; valImages: number; seed: number; shapes?: boolean },
): Promise<void> {
  const { existsSync } = await import("node:fs")
  const { makeDigits, makeShapes } = await import("../../datasets/digits.js")
  if (existsSync(folder)) throw new UsageError(`${folder} exists already. Choose a folder that does not`)
  const { images, valImages, seed } = flags
  const options = { images, valImages, seed, onProgress: progress("made") }
  const make = flags.shapes || !hasDigits() ? makeShapes : makeDigits
  if (make === makeShapes && !flags.shapes) tell("The package mnist is not installed: making shapes instead of digits")
  await make(folder, options)
  console.log(folder)
}

function hasDigits(): boolean {
  try {
    return import.meta.resolve("mnist") !== ""
  } catch {
    return false
  }
}

async function tellFaults(faults: readonly Fault[]): Promise<void> {
  const { formatFault } = await import("../../datasets/faults.js")
  for (const fault of faults) tell(formatFault(fault))
}

function formatNamed(name: string): WriteFormat {
  if (name === "voc" || name === "coco" || name === "yolo") return name
  const known = ["voc", "coco", "yolo"]
  throw new UsageError(`Unknown format "${name}".${didYouMean(name, known)} Known: ${known.join(", ")}`)
}

function wholeNumber(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 0) throw new UsageError(`Expected a whole number, 0 or more, got "${text}"`)
  return value
}

function share(text: string): number {
  const value = Number(text)
  if (!(value >= 0 && value < 1)) throw new UsageError(`Expected a share from 0 to 1, got "${text}"`)
  return value
}

function writeJson(file: string, document: unknown): void {
  const text = `${JSON.stringify(document, null, 2)}\n`
  if (file === "-") process.stdout.write(text)
  else writeFileSync(file, text)
}

function progress(what: string): (done: number, total: number) => void {
  let told = 0
  return (done, total) => {
    if (done < total && done - told < total / 10) return
    told = done
    tell(`${what} ${done} of ${total}`)
  }
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`)
}
