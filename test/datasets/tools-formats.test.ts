import { join } from "node:path"
import { expect, test } from "vitest"
import { openSample } from "../../datasets/open-sample.js"
import { readDataset } from "../../datasets/read.js"
import { DataError } from "../../src/core/errors.js"
import { png, tempFolder, writeFiles } from "./samples.js"

const picture = png(40, 30)

function write(files: Readonly<Record<string, string | Uint8Array | object>>): string {
  const folder = tempFolder()
  const texts = Object.entries(files).map(([name, content]) => {
    return [
      name,
      typeof content === "string" || content instanceof Uint8Array ? content : JSON.stringify(content),
    ] as const
  })
  writeFiles(folder, Object.fromEntries(texts))
  return folder
}

const labelme = (shapes: readonly object[], more: object = {}) => ({
  ...{
    version: "5.0.1",
    flags: {},
    shapes,
    imagePath: "..\\photos\\a.png",
    imageData: null,
    imageHeight: 30,
    imageWidth: 40,
  },
  ...more,
})
const rectangle = {
  label: "dog",
  points: [
    [12, 20],
    [2, 4],
  ],
  shape_type: "rectangle",
}

test("labelme: rectangles of any two corners, polygons, circles; points have no extent", async () => {
  const shapes = [
    rectangle,
    {
      label: "7",
      points: [
        [1, 1],
        [9, 2],
        [5, 8],
      ],
      shape_type: "polygon",
    },
    {
      label: "dog",
      points: [
        [10, 10],
        [13, 14],
      ],
      shape_type: "circle",
    },
    { label: "dog", points: [[1, 1]], shape_type: "point" },
  ]
  const { format, images, classes, faults, undivided } = await readDataset(
    write({ "a.json": labelme(shapes), "a.png": picture }),
  )
  expect([format, classes, undivided]).toEqual(["labelme", ["7", "dog"], true])
  expect([...images[0]!.boxes]).toEqual([2, 4, 12, 20, 1, 1, 9, 8, 5, 5, 15, 15])
  expect(faults.map(({ object, message }) => `${object}: ${message}`)).toEqual(["3: a point of 1 points has no extent"])
})

test("labelme: folders of splits, an image in the JSON file, files that are none", async () => {
  const folder = write({
    "train/a.json": labelme([rectangle], { imageData: Buffer.from(picture).toString("base64") }),
    "train/b.json": "{}",
    "train/c.json": labelme([]),
    "train/d.png": picture,
    "val/x.json": labelme([rectangle]),
    "val/x.png": picture,
  })
  const train = await readDataset(folder)
  expect(train.faults.map(({ kind, file }) => `${kind} ${file}`)).toEqual([
    "broken-annotation train/b.json",
    "missing-image train/c.json",
  ])
  expect(train.notices!.join()).toContain("1 images have no JSON file and are left out, such as d.png")
  expect((await openSample(train.images[0]!)).image).toMatchObject({ width: 40, height: 30 })
  expect((await readDataset(folder, { split: "val" })).images.map(({ id }) => id)).toEqual(["x"])
})

const viaRegions = {
  rect: { shape_attributes: { name: "rect", x: 2, y: 4, width: 10, height: 16 }, region_attributes: { type: "dog" } },
  polygon: {
    shape_attributes: { name: "polygon", all_points_x: [1, 9, 5], all_points_y: [1, 2, 8] },
    region_attributes: { animal: { cat: true } },
  },
  ellipse: { shape_attributes: { name: "ellipse", cx: 10, cy: 10, rx: 5, ry: 3 }, region_attributes: {} },
  point: { shape_attributes: { name: "point", cx: 1, cy: 1 }, region_attributes: { type: "dog" } },
}

test("VIA: regions as lists and as maps, exports and projects", async () => {
  const entries = (regions: unknown) => ({ "a.png123": { filename: "a.png", size: 123, regions } })
  for (const content of [
    entries(Object.values(viaRegions)),
    entries({ ...Object.values(viaRegions) }),
    { _via_settings: {}, _via_img_metadata: entries(Object.values(viaRegions)) },
  ]) {
    const folder = write({ "via_region_data.json": content, "a.png": picture })
    for (const source of [folder, join(folder, "via_region_data.json")]) {
      const { format, images, classes, faults, notices } = await readDataset(source)
      expect([format, classes]).toEqual(["via", ["cat", "dog", "object"]])
      expect([...images[0]!.boxes]).toEqual([2, 4, 12, 20, 1, 1, 9, 8, 5, 7, 15, 13])
      expect(faults.map(({ message }) => message)).toEqual(["a region of the kind point has no extent"])
      expect(notices!.join()).toContain('1 regions name no class: they are called "object"')
    }
  }
})

const rows = "a.png,2,4,12,20,dog\na.png,1,1,9,8,7\nb.png,,,,,\ngone.png,1,1,9,9,dog\n"

test.each(
  Object.entries({
    "keras-retinanet's, without a header": rows,
    "with a header": `path,x1,y1,x2,y2,class\n${rows}`,
    "TensorFlow's":
      "filename,width,height,class,xmin,ymin,xmax,ymax\na.png,40,30,dog,2,4,12,20\na.png,40,30,7,1,1,9,8\nb.png,40,30,,,,,\ngone.png,40,30,dog,1,1,9,9\n",
    "with semicolons and a byte order mark": `\ufeff${rows.replaceAll(",", ";").replaceAll("\n", "\r\n")}`,
    "of another machine": rows.replaceAll(/^/gm, "/home/me/photos/").replace(/\/home\/me\/photos\/$/, ""),
  }),
)("CSV %s is read", async (_, text) => {
  const folder = write({
    "train.csv": text,
    "photos/a.png": picture,
    "photos/b.png": picture,
    "notes.csv": "a,b\n1,2\n",
  })
  const { format, images, classes, faults } = await readDataset(folder)
  expect([format, classes]).toEqual(["csv", ["7", "dog"]])
  expect(images.map(({ boxes }) => [...boxes])).toEqual([[2, 4, 12, 20, 1, 1, 9, 8], []])
  expect(faults.map(({ kind }) => kind)).toEqual(["missing-image"])
})

test("CSV, labelme and VOC: what Python takes for no number or label is none", async () => {
  const folder = write({ "train.csv": "filename,x1,y1,x2,y2,class\na.png,1,2,0x1e,24,dog\n", "a.png": picture })
  expect((await readDataset(folder)).faults.map(({ kind }) => kind)).toEqual(["broken-annotation"])
  const nameless = write({ "a.json": labelme([{ ...rectangle, label: null }]), "a.png": picture })
  expect((await readDataset(nameless)).faults.map(({ kind }) => kind)).toEqual(["broken-annotation"])
  const box = "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>0x1e</xmax><ymax>24</ymax></bndbox>"
  const voc = write({
    "JPEGImages/a.png": picture,
    "Annotations/a.xml": `<annotation><filename>a.png</filename><object><name>dog</name>${box}</object></annotation>`,
  })
  expect((await readDataset(voc)).faults.map(({ kind }) => kind)).toEqual(["broken-annotation"])
})

test("CSV: two spellings of one name are one image", async () => {
  const text = "filename,x1,y1,x2,y2,class\na.png,1,2,9,9,dog\na,1,2,8,8,dog\n"
  const { images } = await readDataset(write({ "train.csv": text, "a.png": picture }))
  expect(images.map(({ id, labels }) => [id, labels.length])).toEqual([["a", 2]])
})

test("CSV: a column that stands twice is refused, as nobody can say which one is meant", async () => {
  const folder = write({ "train.csv": "filename,x1,y1,x2,y2,class,X1\na.png,1,2,3,4,dog,9\n", "a.png": picture })
  const reading = expect(readDataset(folder)).rejects
  await reading.toThrow(`${join(folder, "train.csv")}: the column "x1" stands twice. Leave one`)
})

test("CSV: a quote in the midst of a field is named with its file and line", async () => {
  const folder = write({ "train.csv": 'filename,x1,y1,x2,y2,class\na.png,1,2,3,4,do"g\n', "a.png": picture })
  const reading = expect(readDataset(folder)).rejects
  await reading.toThrow(`${join(folder, "train.csv")}: Invalid Opening Quote`)
  await reading.toBeInstanceOf(DataError)
})

test("CSV: a file is a split by its name, classes.csv orders the classes, a file alone is not divided", async () => {
  const folder = write({
    "train_labels.csv": rows,
    "val.csv": rows,
    "classes.csv": "dog,0\n7,1\n",
    "a.png": picture,
    "b.png": picture,
  })
  expect((await readDataset(folder)).classes).toEqual(["dog", "7"])
  expect((await readDataset(folder, { split: "val" })).images.length).toBe(2)
  expect((await readDataset(join(folder, "val.csv"))).undivided).toBe(true)
  await expect(readDataset(folder, { split: "test" })).rejects.toThrow('No split "test"')
})

test("ImageNet's DET: sub-folders, negatives that a list names; VID: videos", async () => {
  const xml = (name: string) =>
    `<annotation><object><name>${name}</name><bndbox><xmin>0</xmin><xmax>9</xmax><ymin>0</ymin><ymax>9</ymax></bndbox></object></annotation>`
  const det = write({
    "Data/DET/train/ILSVRC2013_train/n01/n01_1.JPEG": picture,
    "Data/DET/train/ILSVRC2014_train_0000/neg_1.JPEG": picture,
    "Data/DET/train/ILSVRC2014_train_0000/other.JPEG": picture,
    "Annotations/DET/train/ILSVRC2013_train/n01/n01_1.xml": xml("n01"),
    "ImageSets/DET/train_1.txt":
      "ILSVRC2013_train/n01/n01_1 1\nILSVRC2014_train_0000/neg_1 -1\nILSVRC2014_train_0000/gone -1\n",
  })
  const set = await readDataset(det)
  expect(set.images.map(({ id, labels }) => `${id} ${labels.length}`)).toEqual([
    "ILSVRC2013_train/n01/n01_1 1",
    "ILSVRC2014_train_0000/neg_1 0",
  ])
  expect([...set.images[0]!.boxes]).toEqual([0, 0, 10, 10])
  expect(set.faults.map(({ kind, message }) => `${kind}: ${message}`)).toEqual([
    "missing-image: Data/DET/train/ILSVRC2014_train_0000/gone.JPEG is missing",
  ])
  const halves = write({
    "Data/DET/train/n01/a.JPEG": picture,
    "Annotations/DET/train/n01/a.xml": xml("n02"),
    "Data/DET/val/b.JPEG": picture,
    "Data/DET/val/c.JPEG": picture,
    "Annotations/DET/val/b.xml": xml("n01"),
    "Annotations/DET/val/c.xml": xml("n02"),
    "ImageSets/DET/val.txt": "b 1\nc 2\n",
    "ImageSets/DET/val1.txt": "b 1\n",
  })
  const joined = await readDataset(join(halves, "Data", "DET"), { split: "train+val1" })
  expect([joined.classes, joined.images.map(({ id }) => id)]).toEqual([
    ["n01", "n02"],
    ["n01/a", "b"],
  ])
  expect(joined.images.map(({ labels }) => [...labels])).toEqual([[2], [1]])
  expect((await readDataset(halves, { split: "val" })).images.length).toBe(2)
  await expect(readDataset(halves, { split: "val3" })).rejects.toThrow('no split "val3"')
  const video = write({
    "Data/VID/val/v1/000000.JPEG": picture,
    "Annotations/VID/val/v1/000000.xml": xml("n02"),
    "ImageSets/VID/val.txt": "v1/000000 1\n",
  })
  expect((await readDataset(video, { split: "val" })).images.map(({ id }) => id)).toEqual(["v1/000000"])
})

test("CSV: a folder of splits with a file each, as Roboflow writes them; parts of the image are told", async () => {
  const header = "filename,width,height,class,xmin,ymin,xmax,ymax\n"
  const folder = write({
    "train/_annotations.csv": `${header}a.png,40,30,dog,2,4,12,20\n`,
    "train/a.png": picture,
    "valid/_annotations.csv": `${header}a.png,40,30,dog,1,1,9,9\n`,
    "valid/a.png": picture,
  })
  expect((await readDataset(folder, { split: "val" })).images.map(({ boxes }) => [...boxes])).toEqual([[1, 1, 9, 9]])
  const parts = write({ "train.csv": "a.png,0.25,0.1,0.5,0.5,dog\nb.png,0,0,1,1,dog\n", "a.png": picture, "b.png": "" })
  const { images, notices, faults } = await readDataset(parts)
  expect(images.map(({ boxes }) => [...boxes])).toEqual([[10, 3, 20, 15]])
  expect(notices!.join()).toContain("train.csv: all 2 boxes lie between 0 and 1: they are read as parts of the image")
  expect(faults.map(({ message }) => message)).toEqual(["the size of b is not known, which its boxes are parts of"])
})

const openImages =
  "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside\n" +
  "0a,xclick,/m/01yrx,1,0.25,0.5,0.1,0.5,0,0,0,0,0\n0a,xclick,/m/0bt9lr,1,0,1,0,1,1,0,1,0,0\n"

test("Open Images: boxes by split, groups are crowds, labels get their names and stay the ids", async () => {
  const images = { "train/0a.jpg": picture, "validation/0a.jpg": picture }
  const boxes = { "oidv6-train-annotations-bbox.csv": openImages, "validation-annotations-bbox.csv": openImages }
  const labels = { "train-annotations-human-imagelabels.csv": "ImageID,Source,LabelName,Confidence\n0a,x,/m/01yrx,1\n" }
  const plain = await readDataset(write({ ...images, ...boxes, ...labels }))
  expect([plain.format, plain.classes, plain.categoryIds]).toEqual(["csv", ["/m/01yrx", "/m/0bt9lr"], [1, 2]])
  const names = { "class-descriptions-boxable.csv": "/m/01yrx,Cat\n/m/0bt9lr,Dog\n/m/011k07,Tortoise\n" }
  const named = write({ ...images, ...boxes, ...names })
  for (const split of ["train", "val"]) {
    const set = await readDataset(named, { split })
    expect([set.classes, set.categoryIds]).toEqual([
      ["Cat", "Dog"],
      ["/m/01yrx", "/m/0bt9lr"],
    ])
    expect(set.images.map(({ boxes, crowd, file }) => [[...boxes], [...crowd], file])).toEqual([
      [[10, 3, 20, 15, 0, 0, 40, 30], [0, 1], join(named, split === "val" ? "validation" : "train", "0a.jpg")],
    ])
    expect(set.notices!.join()).toContain("the names of the classes are those of class-descriptions-boxable.csv")
  }
  const downloaded = write({
    "validation/data/0a.jpg": picture,
    "validation/labels/detections.csv": openImages,
    "validation/metadata/classes.csv": "/m/01yrx,Cat\n/m/0bt9lr,Dog\n",
  })
  expect((await readDataset(downloaded, { split: "val" })).classes).toEqual(["Cat", "Dog"])
})

test("VIA's CSV is read as its JSON, and a cell that is none is named", async () => {
  const cell = (value: unknown) => `"${JSON.stringify(value).replaceAll('"', '""')}"`
  const header = "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes\n"
  const lines = Object.values(viaRegions).map(
    (region, i) => `a.png,123,"{}",4,${i},${cell(region.shape_attributes)},${cell(region.region_attributes)}\n`,
  )
  for (const start of [header, `#${header}`]) {
    const text = `${start}${lines.join("")}b.png,9,"{}",0,0,"{}","{}"\n`
    const folder = write({ "via_export_csv.csv": text, "a.png": picture, "b.png": picture })
    for (const source of [folder, join(folder, "via_export_csv.csv")]) {
      const { format, images, classes } = await readDataset(source)
      expect([format, classes]).toEqual(["via", ["cat", "dog", "object"]])
      expect(images.map(({ boxes }) => [...boxes])).toEqual([[2, 4, 12, 20, 1, 1, 9, 8, 5, 7, 15, 13], []])
    }
  }
  const broken = write({ "via.csv": `${header}a.png,1,"{}",1,0,rect,"{}"\n`, "a.png": picture })
  await expect(readDataset(broken)).rejects.toThrow(
    "via.csv: line 2: expected the shape and the attributes of a region as JSON",
  )
})

test("what no reader knows is told with the layout it is nearest to", async () => {
  const nearest = (files: Readonly<Record<string, string | Uint8Array>>) => expect(readDataset(write(files))).rejects
  await nearest({ "a/x.xml": "<a/>", "b/x.png": picture }).toThrow(
    "It holds 1 pictures, 1 .xml files. Nearest is VOC: put the XML files",
  )
  await nearest({ "x.png": picture, "x.txt": "0 0.5 0.5 0.1 0.1" }).toThrow("Nearest is YOLO: add a data.yaml")
  await nearest({ "x.json": "[]" }).toThrow("Nearest is COCO")
  await nearest({ "x.png": picture }).toThrow("pictures alone are for detect")
  await nearest({ "photos/x.png": picture }).toThrow("pictures alone are for detect")
  await nearest({ "cat/x.png": picture, "dog/x.png": picture }).toThrow(
    "It holds 2 pictures. They lie in a folder for each class: `classify train` takes them",
  )
})
