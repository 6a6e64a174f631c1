import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { evaluateCoco } from "../../src/eval/coco.js"
import { truthsFromCoco } from "../../src/eval/coco-records.js"
import { detectionsFromCsv } from "../../src/eval/csv-results.js"
import { csvWriter } from "../../src/predict/write-csv.js"
import { tempFolder } from "../datasets/samples.js"
import { truthFile } from "./support/cases.js"

const names = ["night/cam 1.jpg", "day/000042.jpg"]
const base = truthFile([{ box: [0, 0, 100, 100] }, { box: [300, 0, 100, 100], image: 2, category: 2 }], 2, 2)
const truths = truthsFromCoco({
  ...base,
  images: base.images.map((image, i) => ({ ...image, file_name: names[i]! })),
  categories: [
    { id: 7, name: "cat" },
    { id: 1, name: "0" },
  ],
  annotations: base.annotations.map((one) => ({ ...one, category_id: [7, 1][one.category_id - 1]! })),
})
const expected = 0.65

async function read(text: string | Uint8Array, told: string[] = []) {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text
  return detectionsFromCsv(truths, [bytes], "p.csv", (line) => told.push(line))
}

test.each([
  [
    "corners",
    "image,label,score,x1,y1,x2,y2\nnight/cam 1.jpg,cat,0.9,0,0,100,100\nday/000042.jpg,0,0.7,300,0,400,60\n",
  ],
  [
    "other names",
    "file_name;xmin;ymin;xmax;ymax;confidence;class;name\ncam 1;0;0;100;100;.9;5;cat\n000042;300;0;400;60;.7;6;0\n",
  ],
  [
    "a corner and the size",
    '"Image ID","Category_ID","x","y","width","height","score"\n1,7,0,0,100,100,0.9\n2,1,300,0,100,60,0.7\n',
  ],
  [
    "a centre",
    "path\tclass_name\tconf\tx_center\ty_center\tw\th\ncam 1.jpg\tcat\t0.9\t50\t50\t100\t100\n000042\t0\t0.7\t350\t30\t100\t60\n",
  ],
  [
    "pandas' table of COCO's results",
    ',image_id,category_id,bbox,score\n0,1,7,"[0.0, 0.0, 100.0, 100.0]",0.9\n1,2,1,"[300, 0, 100, 60]",0.7\n',
  ],
  [
    "Open Images' form",
    `ImageID,LabelName,Conf,XMin,XMax,YMin,YMax\ncam 1,cat,0.9,0,${100 / 640},0,${100 / 480}\n000042,0,0.7,${300 / 640},${400 / 640},0,${60 / 480}\n`,
  ],
  ["Kaggle's form", "image_id,PredictionString\ncam 1,cat 0.9 0 0 100 100\n000042,0 0.7 300 0 400 60\n"],
  [
    "a byte order mark, CRLF and images without detections",
    "\uFEFFimage,label,score,x1,y1,x2,y2\r\ncam 1,cat,0.9,0,0,100,100\r\n\r\ncam 1,,,,,,\r\n000042,0,0.7,300,0,400,60\r\n",
  ],
])("a CSV file with %s is read by its header", async (_, text) => {
  const detections = await read(text)
  expect(detections.scores).toHaveLength(2)
  expect(evaluateCoco(truths, detections).summary.AP).toBeCloseTo(expected, 12)
})

test("detections.csv of detect is what detect found", async () => {
  const folder = tempFolder()
  const imageIds = { from: "places", idOf: () => 1 } as const
  const writer = csvWriter({ folder, classes: ["0", "cat"], categoryIds: [1, 2], imageIds })
  const photo = (path: string) => ({ file: path, path, stem: path })
  const size = { width: 640, height: 480 }
  const cat = { label: "cat", classId: 2, score: Math.fround(0.9), box: [0, 0, 100, 100] as const }
  const zero = { label: "0", classId: 1, score: Math.fround(0.7), box: [300, 0, 400, 60] as const }
  writer.write(photo(names[0]!), { ...size, detections: [cat] })
  writer.write(photo(names[1]!), { ...size, detections: [zero] })
  writer.finish()
  const detections = await read(readFileSync(join(folder, "detections.csv")))
  expect([...detections.boxesXywh]).toEqual([0, 0, 100, 100, 300, 0, 100, 60])
  expect([...detections.category].map((k) => truths.categoryNames[k])).toEqual(["cat", "0"])
})

test("bytes that come in pieces of one buffer, as readBytes gives them, are read whole", async () => {
  const rows = Array.from({ length: 200 }, (_, i) => `cam 1,cat,0.${i + 1},${i},0,${i + 10},10`)
  const bytes = new TextEncoder().encode(["image,label,score,x1,y1,x2,y2", ...rows].join("\n"))
  function* pieces() {
    const buffer = new Uint8Array(37)
    for (let at = 0; at < bytes.length; at += buffer.length) {
      buffer.set(bytes.subarray(at, at + buffer.length))
      yield buffer.subarray(0, Math.min(buffer.length, bytes.length - at))
    }
  }
  const { boxesXywh, scores } = await detectionsFromCsv(truths, pieces(), "p.csv", () => {})
  expect([...boxesXywh].filter((_, i) => i % 4 === 0)).toEqual(rows.map((_, i) => i))
  expect([...scores]).toEqual(rows.map((_, i) => Number(`0.${i + 1}`)))
})

test("what was decided is told: the form, parts of the image, numbers for classes", async () => {
  const told: string[] = []
  const header = "image,class,score,x1,y1,x2,y2\n"
  await read(`${header}cam 1,1,0.9,0,0,0.5,0.5\n`, told)
  await read(`${header}cam 1,cat,0.9,0,0,50,50\n`, told)
  expect(told).toEqual([
    "p.csv: boxes are x1, y1, x2, y2 in parts of the image's size",
    "p.csv: classes are numbers, from 0 in the order of the ground truth's classes",
    "p.csv: boxes are x1, y1, x2, y2 in pixels",
  ])
  const { category } = await read(`${header}cam 1,1,0.9,0,0,50,50\ncam 1,9,0.9,0,0,50,50\n`)
  expect([...category]).toEqual([truths.categoryNames.indexOf("cat"), -1])
})

const header = "image,label,score,x1,y1,x2,y2"
test.each([
  ["cam 1,cat,0.9,0,0,9,9\n", "line 1: expected a header such as image,label,score,x1,y1,x2,y2", 'got "cam 1,cat,0.9'],
  ["image,label,x1,y1,x2,y2\n", "line 1", "no column for the score"],
  ["label,score,x1,y1,x2,y2\n", "line 1", "no column for the image"],
  ["image,score,x1,y1,x2,y2\n", "line 1", "no column for the class"],
  ["image,label,score,x1,y1\n", "line 1", "no columns for the box"],
  ["image,label,score,x1,y1,x2,y2,X1\n", "line 1", 'two columns "x1"'],
  ["", "expected a header", "got an empty file"],
  ["PK\x03\x04", "expected a header", "got a zip file"],
  [`${header}\ncam 1,cat,high,0,0,9,9\n`, "line 2", "got high, 0, 0, 9, 9"],
  [`${header}\ncam 1,cat,0.9,0,0,9\n`, "line 2", "expected a score and the four numbers of a box"],
  [`${header}\n\ncam 1,cat,0.9,9,0,5,9\n`, "line 3", "got 9, 0, 5, 9"],
  [`${header}\ncam 1,"cat,0.9,9,0,5,9\n`, "broken CSV", "Quote Not Closed"],
  [`${header}\ncam 9,cat,0.9,1,0,5,9\n`, 'record 0: image_id "cam 9" is not among the 2 images', "1 of 1 records"],
  ["image_id,PredictionString\ncam 1,cat 0.9 0 0 100\n", "line 2", "expected six words a detection"],
])("%j is refused with the line and what is wrong", async (text, where, what) => {
  const error = await read(text).catch((thrown: Error) => thrown)
  expect(error).toMatchObject({ message: expect.stringContaining(where) })
  expect((error as Error).message).toContain(what)
  expect((error as Error).message).not.toContain("\n")
})
