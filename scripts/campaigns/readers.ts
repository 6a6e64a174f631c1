import { readFileSync } from "node:fs"
import { join } from "node:path"
import { Header } from "tar"
import type { Dataset } from "../../datasets/dataset.js"
import { decodeImage, ImageError } from "../../datasets/image/decode.js"
import { encodeImage } from "../../datasets/image/encode.js"
import { readDataset } from "../../datasets/read.js"
import { readLabelled } from "../../datasets/read-labelled.js"
import { main } from "../../src/cli/main.js"
import { log } from "../../src/cli/report.js"
import { DataError } from "../../src/core/errors.js"
import { packageFolder } from "../../src/core/own-package.js"
import { encodeModel } from "../../src/onnx/encode-model.js"
import { openImageSource } from "../../src/predict/image-source.js"
import { resolveConfig } from "../../src/tasks/config.js"
import { trainSchema } from "../../src/tasks/options/train-detector.js"
import { runReport } from "../../src/train/report.js"
import { readHistory } from "../../src/train/run-history.js"
import { loadState } from "../../src/train/state.js"
import { Checkpoint } from "../../src/weights/checkpoint.js"
import { classifierMetadata } from "../../src/weights/model-info.js"
import { writeSafetensors } from "../../src/weights/safetensors.js"

type Files = Readonly<Record<string, string | Uint8Array>>

export interface Examined {
  /** Nonsense among what was read. */
  readonly wrong?: string | undefined
  /** Objects: a file that is not read line by line does not lose some without a word. */
  readonly objects?: number
}

/** One kind of file that resdet reads. */
export interface Reader {
  /** A small data set or the like, by paths. */
  readonly files: () => Files | Promise<Files>
  /** Which of the files is mutated. */
  readonly target: string
  readonly isText?: boolean
  /** Reads the files of the current folder. @returns the exit code; a `UserError` that is thrown is a refusal too */
  readonly read: () => Promise<number | undefined>
  /** Looks at what was accepted. @param out what it printed */
  readonly examine?: (out: string) => Examined | Promise<Examined>
}

/** A command of the command line, in this process. */
const command =
  (...args: readonly string[]) =>
  () =>
    main(args)

const golden = (name: string) => readFileSync(join(packageFolder(), "test/golden", name))

/** A weights file: described, and all its values read. */
const weights = (target: string, files: Reader["files"]): Reader => ({
  files,
  target,
  async read() {
    const code = await main(["info", target])
    using checkpoint = Checkpoint.open(target)
    for (const tensor of checkpoint.weights().values()) valuesOf(tensor)
    return code
  },
})

/** A tensor that cannot be read throws when it is taken. */
function valuesOf(tensor: { readonly values: Float32Array }): void {
  try {
    tensor.values.fill(0, 0, 1)
  } catch (error) {
    if (!(error instanceof DataError)) throw error
    log(error.message)
  }
}

async function image(format: "jpeg" | "png"): Promise<Uint8Array> {
  const data = Uint8Array.from({ length: 3 * 40 * 30 }, (_, i) => (i * i) % 251)
  return encodeImage({ data, width: 40, height: 30 }, { format })
}

/** Written by sharp, which also our users' tools are built on. */
async function otherImage(format: "webp" | "tiff" | "gif" | "avif"): Promise<Uint8Array> {
  const { default: sharp } = await import("sharp")
  return sharp(await image("png"))
    .toFormat(format)
    .toBuffer()
}

function bitmap(): Uint8Array {
  const [width, height, row] = [5, 4, 16]
  const bytes = Buffer.alloc(54 + row * height, 77)
  bytes.write("BM")
  for (const [at, value] of [
    [2, bytes.length],
    [6, 0],
    [10, 54],
    [14, 40],
    [18, width],
    [22, height],
    [30, 0],
    [34, 0],
  ] as const)
    bytes.writeUInt32LE(value, at)
  bytes.writeUInt16LE(1, 26)
  bytes.writeUInt16LE(24, 28)
  bytes.fill(0, 34, 54)
  return bytes
}

const cocoFile = {
  info: { description: "two photos" },
  images: [
    { id: 1, file_name: "a.png", width: 40, height: 30 },
    { id: 2, file_name: "b.png", width: 40, height: 30 },
  ],
  categories: [
    { id: 3, name: "dog", supercategory: "animal" },
    { id: 7, name: "cat" },
  ],
  annotations: [
    {
      id: 1,
      image_id: 1,
      category_id: 3,
      bbox: [2, 3, 10, 12],
      area: 120,
      iscrowd: 0,
      segmentation: [[2, 3, 12, 3, 12, 15]],
    },
    { id: 2, image_id: 1, category_id: 7, bbox: [20, 3, 10.5, 12], area: 126, iscrowd: 1 },
    { id: 3, image_id: 2, category_id: 3, bbox: [1, 1, 30, 20], area: 600, iscrowd: 0 },
  ],
}
const cocoResults = [
  { image_id: 1, category_id: 3, bbox: [2, 3, 10, 12], score: 0.9 },
  { image_id: 1, category_id: 7, bbox: [21, 3, 10, 12], score: 0.8 },
  { image_id: 2, category_id: 3, bbox: [1, 1, 29, 20], score: 0.7 },
]
const xml = (file: string) => `<annotation>
  <folder>JPEGImages</folder><filename>${file}</filename>
  <size><width>40</width><height>30</height><depth>3</depth></size>
  <object><name>dog</name><difficult>0</difficult><bndbox><xmin>3</xmin><ymin>4</ymin><xmax>12</xmax><ymax>15</ymax></bndbox></object>
  <object><name>cat</name><difficult>1</difficult><bndbox><xmin>20</xmin><ymin>4.5</ymin><xmax>32</xmax><ymax>25</ymax></bndbox></object>
</annotation>
`

/** A data set, looked at by `dataset check`; then its records. */
const data = (target: string, files: Reader["files"]): Reader => ({
  files,
  target,
  isText: true,
  read: command("dataset", "check", ".", "--split", "train", "--headers"),
  async examine() {
    const set = await readDataset(".", { split: "train" })
    const objects = set.images.reduce((sum, { labels }) => sum + labels.length, 0)
    return { wrong: unsound(set), ...(/\.(xml|json)$/.test(target) && { objects }) }
  },
})

async function voc(): Promise<Files> {
  const png = await image("png")
  return {
    ...{ "JPEGImages/a.png": png, "JPEGImages/b.png": png },
    ...{ "Annotations/a.xml": xml("a.png"), "Annotations/b.xml": xml("b.png") },
    "ImageSets/Main/train.txt": "a\nb\n",
  }
}
async function coco(): Promise<Files> {
  const png = await image("png")
  const photos = { "train2017/a.png": png, "train2017/b.png": png }
  return { ...photos, "annotations/instances_train2017.json": JSON.stringify(cocoFile, undefined, 1) }
}
async function yolo(): Promise<Files> {
  const png = await image("png")
  const labels = "0 0.2 0.3 0.25 0.4\n1 0.7 0.5 0.3 0.6\n0 0.1 0.1 0.5 0.1 0.5 0.5 0.1 0.5\n"
  return {
    ...{ "images/train/a.png": png, "images/train/b.png": png },
    ...{ "labels/train/a.txt": labels, "labels/train/b.txt": labels },
    "data.yaml": "path: .\ntrain: images/train\nval: images/train\nnc: 2\nnames:\n  0: dog\n  1: cat\n",
  }
}
async function labelme(): Promise<Files> {
  const shapes = [
    {
      label: "dog",
      points: [
        [12, 20],
        [2, 4],
      ],
      shape_type: "rectangle",
    },
    {
      label: "cat",
      points: [
        [1, 1],
        [9, 2],
        [5, 8],
      ],
      shape_type: "polygon",
    },
  ]
  const document = {
    version: "5.0.1",
    flags: {},
    shapes,
    imagePath: "a.png",
    imageData: null,
    imageHeight: 30,
    imageWidth: 40,
  }
  return { "a.json": JSON.stringify(document, undefined, 1), "a.png": await image("png") }
}
async function csv(): Promise<Files> {
  const lines = [
    "filename,width,height,class,xmin,ymin,xmax,ymax",
    "a.png,40,30,dog,3,4,12,15",
    "a.png,40,30,cat,20,4,32,25",
  ]
  return { "train.csv": `${lines.join("\n")}\n`, "a.png": await image("png") }
}
async function via(): Promise<Files> {
  const rect = { name: "rect", x: 3, y: 4, width: 9, height: 11 }
  const polygon = { name: "polygon", all_points_x: [1, 9, 5], all_points_y: [1, 2, 8] }
  const regions = [rect, polygon].map((shape_attributes, i) => ({
    shape_attributes,
    region_attributes: { class: ["dog", "cat"][i] },
  }))
  const entry = { filename: "a.png", size: 100, regions, file_attributes: {} }
  return { "via.json": JSON.stringify({ "a.png100": entry }, undefined, 1), "a.png": await image("png") }
}
async function imageNet(): Promise<Files> {
  const png = await image("jpeg")
  return {
    ...{ "Data/DET/train/a.JPEG": png, "Data/DET/train/b.JPEG": png },
    ...{ "Annotations/DET/train/a.xml": xml("a"), "Annotations/DET/train/b.xml": xml("b") },
    "ImageSets/DET/train.txt": "a 1\nb 2\n",
  }
}

const evaluated = (predictions: string, target: string, files: Files): Reader => ({
  files: () => ({ "gt.json": JSON.stringify(cocoFile, undefined, 1), ...files }),
  target,
  isText: true,
  read: command("eval", "--gt", "gt.json", "--predictions", predictions, "--json", "-"),
  examine: (out) =>
    examineReport(out, target === "gt.json" ? "truths" : target === "pred.json" ? "detections" : undefined),
})

const decoded = (
  name: string,
  bytes: () => Uint8Array | Promise<Uint8Array>,
  decoder: "auto" | "javascript",
): Reader => ({
  files: async () => ({ [name]: await bytes() }),
  target: name,
  async read() {
    try {
      const { data, width, height } = await decodeImage(name, { decoder })
      const isWhole = [width, height].every((side) => Number.isInteger(side) && side > 0)
      if (!isWhole || data.length !== 3 * width * height)
        throw new Error(`${width}x${height} with ${data.length} bytes`)
      return 0
    } catch (error) {
      if (error instanceof ImageError) throw new DataError(error.message)
      throw error
    }
  },
})

const detected = {
  image: "a.png",
  width: 40,
  height: 30,
  detections: [{ label: "dog", classId: 1, score: 0.9, box: [2, 3, 12, 15] }],
}
const shard = (index: number, image: string): Files => ({
  [`s${index}/detections.jsonl`]: `${JSON.stringify({ ...detected, image })}\n${JSON.stringify({ ...detected, image: `${index}.png` })}\n`,
  [`s${index}/detect.json`]: JSON.stringify(
    {
      ...{
        source: "/photos",
        weights: [{ file: "/w", bytes: 7 }],
        engine: "wasm",
        options: { score: 0.05 },
        classes: ["dog", "cat"],
      },
      ...{
        categoryIds: [3, 7],
        formats: ["coco", "voc", "yolo", "csv"],
        gt: null,
        shard: { index, count: 2 },
        finished: true,
      },
    },
    undefined,
    1,
  ),
})
const merged = (target: string): Reader => ({
  files: () => ({ ...shard(0, "a.png"), ...shard(1, "b.png") }),
  target,
  isText: true,
  read: command("merge", "s0", "s1", "--out", "merged"),
})

const state: Reader["files"] = () => {
  const tensors = [["a", { shape: [2], values: Float32Array.of(1, 2) }]] as const
  for (const name of ["weights", "velocities"]) writeSafetensors(`${name}.made`, tensors)
  const position = {
    epoch: 1,
    batch: 2,
    step: 5,
    best: 0.5,
    losses: { sums: { loss: 3 }, count: 2 },
    window: { sums: {}, count: 0 },
  }
  return {
    "state/position.json": JSON.stringify(position),
    "state/weights.safetensors": readFileSync("weights.made"),
    "state/velocities.safetensors": readFileSync("velocities.made"),
  }
}
const ofState = (target: string, isText: boolean): Reader => ({
  files: state,
  target,
  isText,
  async read() {
    const { position } = loadState(".")
    const { epoch, batch, step } = position
    if (![epoch, batch, step].every((one) => Number.isInteger(one) && one >= 0)) throw new Error("no position")
    return 0
  },
})

const classifier = {
  config: { network: "cifar_resnet20", options: {}, size: 32, mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2] },
  classes: ["dog", "cat"],
  training: { epoch: 3, accuracy: 0.5 },
} as const

const report = (AP: number) => {
  const perClass = [
    { name: "dog", truths: 2, AP, AP50: 0.5 },
    { name: "cat", truths: 1, AP: null, AP50: null },
  ]
  return JSON.stringify(
    {
      images: 2,
      truths: 3,
      detections: 3,
      coco: { AP, AP50: 0.7 },
      voc12: { mAP: AP, perClass: { dog: AP, cat: null } },
      perClass,
    },
    undefined,
    1,
  )
}

export const readers = {
  safetensors: weights("w.safetensors", () => {
    const tensors = [["conv1.weight", { shape: [2, 3, 1, 1], values: Float32Array.of(1, 2, 3, 4, 5, 6) }]] as const
    writeSafetensors("w.made", tensors, { format: "pt", epoch: "3" })
    return { "w.safetensors": readFileSync("w.made") }
  }),
  "own-weights": weights("w.safetensors", () => {
    const tensors = [["fc.weight", { shape: [2, 1], values: Float32Array.of(1, 2) }]] as const
    writeSafetensors("w.made", tensors, classifierMetadata(classifier as never))
    return { "w.safetensors": readFileSync("w.made") }
  }),
  "torch-zip": weights("w.pth", () => ({ "w.pth": golden("torch-zip.pth") })),
  "torch-legacy": weights("w.pth", () => ({ "w.pth": golden("torch-legacy.pth") })),
  "torch-odd": weights("w.pth", () => ({ "w.pth": golden("checkpoint-odd.pth") })),
  "pickle-text": weights("w.pkl", () => ({ "w.pkl": golden("checkpoint-protocol0.pkl") })),
  detectron2: weights("w.pkl", () => ({ "w.pkl": golden("detectron2.pkl") })),
  onnx: {
    files: () => {
      const value = { name: "x", type: "float32", shape: ["rows", 2] } as const
      const constants = new Map([["factors", { shape: [2], values: Float32Array.of(2, 3) }]])
      const nodes = [{ op: "Mul", inputs: ["x", "factors"], outputs: ["y"], attributes: {} }]
      const model = { name: "line", inputs: [value], outputs: [{ ...value, name: "y" }], constants, nodes }
      return {
        "m.onnx": Buffer.concat(encodeModel({ ...model, metadata: classifierMetadata(classifier as never) } as never)),
      }
    },
    target: "m.onnx",
    read: command("info", "m.onnx"),
  },
  "coco-data": data("annotations/instances_train2017.json", coco),
  "coco-truths": evaluated("pred.json", "gt.json", { "pred.json": JSON.stringify(cocoResults, undefined, 1) }),
  "coco-results": evaluated("pred.json", "pred.json", { "pred.json": JSON.stringify(cocoResults, undefined, 1) }),
  "voc-xml": data("Annotations/a.xml", voc),
  "voc-list": data("ImageSets/Main/train.txt", voc),
  "yolo-labels": data("labels/train/a.txt", yolo),
  "data-yaml": data("data.yaml", yolo),
  labelme: data("a.json", labelme),
  csv: data("train.csv", csv),
  via: data("via.json", via),
  "imagenet-xml": data("Annotations/DET/train/a.xml", imageNet),
  "imagenet-list": data("ImageSets/DET/train.txt", imageNet),
  "comp-files": evaluated("comp4", "comp4/comp4_det_test_dog.txt", {
    "comp4/comp4_det_test_dog.txt": "a 0.9 3 4 12 15\nb 0.7 2 2 30 21\n",
    "comp4/comp4_det_test_cat.txt": "a 0.8 22 4 31 15\n",
  }),
  "yolo-results": evaluated("labels", "labels/a.txt", {
    "labels/a.txt": "0 0.2 0.3 0.25 0.4 0.9\n1 0.7 0.5 0.3 0.6 0.8\n",
    "labels/b.txt": "0 0.4 0.4 0.7 0.6 0.7\n",
  }),
  "text-results": evaluated("texts", "texts/a.txt", {
    "texts/a.txt": "dog 0.9 2 3 12 15\ncat 0.8 20 3 30 15\n",
    "texts/b.txt": "dog 0.7 1 1 30 21\n",
  }),
  "detections-jsonl": evaluated("d.jsonl", "d.jsonl", {
    "d.jsonl": `${JSON.stringify(detected)}\n${JSON.stringify({ ...detected, image: "b.png" })}\n`,
  }),
  "merge-jsonl": merged("s0/detections.jsonl"),
  "detect-json": merged("s0/detect.json"),
  "eval-report": {
    files: () => ({ "a.json": report(0.4), "b.json": report(0.5) }),
    target: "a.json",
    isText: true,
    read: command("compare", "a.json", "b.json"),
  },
  suspects: {
    files: async () => {
      const box = [2, 3, 10, 12]
      const list = [
        { kind: "missing", imageId: 1, imageName: "a", bbox: box, found: "cat", score: 0.9, suspicion: 0.97 },
        {
          kind: "class",
          imageId: 2,
          imageName: "b.png",
          bbox: box,
          truthId: 1,
          labelled: "dog",
          found: "cat",
          suspicion: 0.6,
        },
      ]
      return { ...(await voc()), "suspects.json": JSON.stringify({ images: 2, suspects: list }, undefined, 1) }
    },
    target: "suspects.json",
    isText: true,
    read: command("dataset", "check", ".", "--split", "train", "--headers", "--suspects", "suspects.json"),
  },
  position: ofState("state/position.json", true),
  "state-weights": ofState("state/weights.safetensors", false),
  "metrics-jsonl": history("metrics.jsonl"),
  "results-csv": history("results.csv"),
  "config-yaml": configured(
    "c.yaml",
    "data: photos\nmodel: fasterrcnn_resnet18_c4\nlr: 0.01\nepochs: 3\ndetector:\n  anchors:\n    sizes: [16, 32]\n    ratios: [0.5, 1, 2]\n",
  ),
  "config-json": configured(
    "c.json",
    JSON.stringify({ data: "photos", lr: 0.01, detector: { anchors: { sizes: [16, 32] } } }, undefined, 1),
  ),
  set: {
    files: () => ({ value: "[16, 32, 64.5]" }),
    target: "value",
    isText: true,
    read: async () => {
      resolveConfig(trainSchema, {
        command: "train",
        flags: { data: "d" },
        sets: [`detector.anchors.sizes=${readFileSync("value", "utf8")}`],
      })
      return 0
    },
  },
  "source-list": {
    files: async () => ({ "list.txt": "a.png\nb/c.png\n", "a.png": await image("png"), "b/c.png": await image("png") }),
    target: "list.txt",
    isText: true,
    async read() {
      for await (const { path } of await openImageSource("list.txt")) log(path)
      return 0
    },
  },
  cifar: {
    files: () => ({
      "data_batch_1.bin": new Uint8Array(2 * 3073).fill(1),
      "test_batch.bin": new Uint8Array(3073),
      "batches.meta.txt": "red\ngreen\nblue\n",
    }),
    target: "batches.meta.txt",
    isText: true,
    async read() {
      await readLabelled(".")
      return 0
    },
  },
  tar: labelled("train-0.tar", "train", tarShards),
  "tar-classes": labelled("classes.txt", "train", tarShards),
  "ilsvrc-train": labelled("ILSVRC2012_img_train.tar", "train", () => imageNetArchives()),
  "ilsvrc-val": labelled("ILSVRC2012_img_val.tar", "val", () => imageNetArchives()),
  "meta-mat": labelled("devkit/data/meta.mat", "val", () => imageNetArchives()),
  "meta-mat-plain": labelled("devkit/data/meta.mat", "val", () => imageNetArchives("plain")),
  "ilsvrc-truths": labelled("devkit/data/ILSVRC2012_validation_ground_truth.txt", "val", () => imageNetArchives()),
  png: decoded("i.png", () => image("png"), "auto"),
  "png-javascript": decoded("i.png", () => image("png"), "javascript"),
  jpeg: decoded("i.jpg", () => image("jpeg"), "auto"),
  "jpeg-javascript": decoded("i.jpg", () => image("jpeg"), "javascript"),
  bmp: decoded("i.bmp", bitmap, "auto"),
  webp: decoded("i.webp", () => otherImage("webp"), "auto"),
  tiff: decoded("i.tif", () => otherImage("tiff"), "auto"),
  gif: decoded("i.gif", () => otherImage("gif"), "auto"),
  avif: decoded("i.avif", () => otherImage("avif"), "auto"),
} satisfies Record<string, Reader>

export type ReaderName = keyof typeof readers

/** A classification set, of which every image is opened. */
function labelled(target: string, split: string, files: Reader["files"]): Reader {
  return {
    files,
    target,
    isText: target.endsWith(".txt"),
    async read() {
      const { labels, classes, ...set } = await readLabelled(".", { split })
      if (labels.some((label) => label >= classes.length)) throw new Error("a label without a class")
      for (const [index] of labels.entries()) {
        if (set.name(index) === "") throw new Error("an image without a name")
        await set.image(index).catch((error: unknown) => {
          if (!(error instanceof DataError)) throw error
          log(error.message)
        })
      }
      return 0
    },
  }
}

/** Files by their paths as a tar archive. */
function tar(files: Files): Buffer {
  const blocks = Object.entries(files).flatMap(([path, content]) => {
    const bytes = Buffer.from(content)
    const header = Buffer.alloc(512)
    new Header({ path, mode: 0o644, type: "File", size: bytes.length }).encode(header)
    return [header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]
  })
  return Buffer.concat([...blocks, Buffer.alloc(1024)])
}

async function tarShards(): Promise<Files> {
  const png = await image("png")
  const samples = { "a.png": png, "a.cls": "1", "b.png": png, "b.json": '{"label": 0, "caption": "a dog"}' }
  return { "train-0.tar": tar(samples), "classes.txt": "dog\ncat\n" }
}

async function imageNetArchives(meta: "plain" | "compressed" = "compressed"): Promise<Files> {
  const jpeg = await image("jpeg")
  const kit = JSON.parse(golden("devkit.json").toString()) as Readonly<Record<string, string>>
  const inner = tar({ "n01440764_1.JPEG": jpeg })
  return {
    "ILSVRC2012_img_train.tar": tar({ "n01440764.tar": inner, "n02119789.tar": tar({ "n02119789_1.JPEG": jpeg }) }),
    "ILSVRC2012_img_val.tar": tar({ "ILSVRC2012_val_00000001.JPEG": jpeg, "ILSVRC2012_val_00000002.JPEG": jpeg }),
    "devkit/data/ILSVRC2012_validation_ground_truth.txt": "3\n1\n",
    "devkit/data/meta.mat": Buffer.from(kit[meta]!, "base64"),
  }
}

function history(target: string): Reader {
  return {
    files: () => ({
      "metrics.jsonl": '{"step":2,"epoch":1,"loss":2.5,"rate":0.01}\n{"step":4,"epoch":1,"loss":2.25,"rate":0.01}\n',
      "results.csv": "epoch,loss,voc12\n1,2.5,0.25\n2,2.25,0.5\n",
      "config.json": "{}",
    }),
    target,
    isText: true,
    async read() {
      runReport({ ...readHistory("."), title: "run", model: "fasterrcnn_resnet18_c4", classes: ["dog"], best: 0.5 })
      return 0
    },
  }
}

function configured(name: string, text: string): Reader {
  return {
    files: () => ({ [name]: text }),
    target: name,
    isText: true,
    async read() {
      for (const line of resolveConfig(trainSchema, { command: "train", file: name }).notices) log(line)
      return 0
    },
  }
}

/** What every reader promises of its records; `test/support/contracts.ts` asserts it of good data. */
function unsound({ classes, categoryIds, images }: Dataset): string | undefined {
  if (new Set(classes).size !== classes.length || classes.includes("")) return `classes ${classes}`
  if (categoryIds.length !== classes.length || new Set(categoryIds).size !== classes.length)
    return `category ids ${categoryIds}`
  if (new Set(images.map(({ id }) => id)).size !== images.length) return "two images of one id"
  for (const { id, width, height, boxes, labels, areas } of images) {
    if (!Number.isInteger(width) || !Number.isInteger(height) || width < 0 || height < 0)
      return `${id}: ${width}x${height}`
    if (boxes.length !== 4 * labels.length || !boxes.every(Number.isFinite)) return `${id}: boxes ${boxes}`
    for (let at = 0; at < boxes.length; at += 4) {
      const [x1, y1, x2, y2] = boxes.subarray(at, at + 4) as unknown as [number, number, number, number]
      if (!(0 <= x1 && x1 < x2 && 0 <= y1 && y1 < y2)) return `${id}: box ${[x1, y1, x2, y2]}`
      if (width > 0 && (x2 > width || y2 > height)) return `${id}: box ${[x1, y1, x2, y2]} of ${width}x${height}`
    }
    if (!labels.every((label) => label >= 1 && label <= classes.length)) return `${id}: labels ${labels}`
    if (!areas.every((area) => Number.isFinite(area) && area >= 0)) return `${id}: areas ${areas}`
  }
  return undefined
}

interface Report {
  readonly truths: number
  readonly detections: number
  readonly coco: Readonly<Record<string, number | null>>
}

/** @param counts which of the two is counted */
function examineReport(out: string, counts: "truths" | "detections" | undefined): Examined {
  const { coco, ...report } = JSON.parse(out) as Report
  const odd = Object.entries(coco).find(([, value]) => value !== null && !(value >= 0 && value <= 1))
  return { wrong: odd && `${odd[0]} ${odd[1]}`, ...(counts && { objects: report[counts] }) }
}
