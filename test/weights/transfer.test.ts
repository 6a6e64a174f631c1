import * as tf from "@tensorflow/tfjs-core"
import { beforeAll, expect, test } from "vitest"
import { vocClasses } from "../../datasets/classes.js"
import { constant } from "../../src/core/initializers.js"
import { Parameters, Scope, type Weights } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { startEngine } from "../../src/engine/start.js"
import { BoxPredictor } from "../../src/roi/head.js"
import { type ClassOrigin, copyHead, matchClasses, splitHead, transferTable } from "../../src/weights/transfer.js"

beforeAll(async () => {
  await startEngine()
})

const coco = (
  "person,bicycle,car,motorcycle,airplane,bus,train,boat,bird,cat,dog,horse,sheep,cow,bottle,chair,couch," +
  "potted plant,dining table,tv"
).split(",")

test("every class of VOC has its class of COCO, however the two write it", () => {
  const origins = matchClasses(coco, vocClasses)
  expect(origins.filter(({ from }) => from === undefined)).toEqual([])
  expect(new Set(origins.map(({ from }) => from!.label)).size).toBe(20)
  const names = Object.fromEntries(origins.map(({ name, from }) => [name, from!.name]))
  expect(names).toMatchObject({
    aeroplane: "airplane",
    motorbike: "motorcycle",
    diningtable: "dining table",
    pottedplant: "potted plant",
    sofa: "couch",
    tvmonitor: "tv",
    person: "person",
  })
  expect(matchClasses(vocClasses, coco).every(({ from }) => from !== undefined)).toBe(true)
})

test("a class's own name counts before another way to write it, and what is not there is new", () => {
  expect(matchClasses(["couch", "sofa"], ["sofa", "Dog", "table"])).toEqual([
    { name: "sofa", from: { name: "sofa", label: 2 } },
    { name: "Dog", from: undefined },
    { name: "table", from: undefined },
  ])
})

const channels = 3

/** The head of a detector of `classes` as a weights file has it: each value tells its row. */
function oldHead(classes: number, boxWidth = 4 * (classes + 1)): Weights {
  const layer = (name: string, width: number): [string, { shape: number[]; values: Float32Array }][] => [
    [
      `${name}.weight`,
      { shape: [channels, width], values: Float32Array.from({ length: channels * width }, (_, i) => 100 + i) },
    ],
    [`${name}.bias`, { shape: [width], values: Float32Array.from({ length: width }, (_, i) => 1000 + i) }],
  ]
  const at = "roi_heads.box_predictor."
  return new Map([...layer(`${at}cls_score`, classes + 1), ...layer(`${at}bbox_pred`, boxWidth)])
}

function newHead(numClasses: number) {
  const parameters = new Parameters(seededRandom(1))
  new BoxPredictor(new Scope(parameters).in("roi_heads.box_predictor"), { channels, numClasses })
  const read = (name: string) => [...parameters.get(`roi_heads.box_predictor.${name}`)!.variable.dataSync()]
  return { parameters, read }
}

test("rows go where their class is now, the background's stays, a new class keeps its first values", () => {
  const { parameters, read } = newHead(3)
  const [weight, bias] = [read("cls_score.weight"), read("cls_score.bias")]
  const boxes = read("bbox_pred.weight")
  const before = tf.memory().numTensors
  // Old: a, b. New: c (unknown), b, a.
  const origins = matchClasses(["a", "b"], ["c", "b", "a"])
  expect(copyHead(parameters, oldHead(2), 2, origins)).toEqual(origins)
  expect(tf.memory().numTensors).toBe(before)
  expect(read("cls_score.bias")).toEqual([1000, bias[1], 1002, 1001])
  expect(read("cls_score.weight")).toEqual([
    ...[100, weight[1], 102, 101],
    ...[103, weight[5], 105, 104],
    ...[106, weight[9], 108, 107],
  ])
  expect(read("bbox_pred.bias")).toEqual([
    1000, 1001, 1002, 1003, 0, 0, 0, 0, 1008, 1009, 1010, 1011, 1004, 1005, 1006, 1007,
  ])
  expect(read("bbox_pred.weight").slice(0, 16)).toEqual([
    ...[100, 101, 102, 103],
    ...boxes.slice(4, 8),
    ...[108, 109, 110, 111],
    ...[104, 105, 106, 107],
  ])
})

test("boxes that are the same for all classes are copied whole", () => {
  const parameters = new Parameters(seededRandom(1))
  const head = oldHead(3, 4)
  for (const [name, { shape }] of head) {
    const isBoxes = name.includes("bbox_pred")
    parameters.create(name, "linear", isBoxes ? shape : [...shape.slice(0, -1), 4], constant(0))
  }
  copyHead(parameters, head, 3, matchClasses(["a", "b", "c"], ["c", "b", "a"]))
  const bias = (name: string) => [...parameters.get(`roi_heads.box_predictor.${name}.bias`)!.variable.dataSync()]
  expect(bias("bbox_pred")).toEqual([1000, 1001, 1002, 1003])
  expect(bias("cls_score")).toEqual([1000, 1003, 1002, 1001])
})

test("a head that sees other features is not copied, and that is said", () => {
  const { parameters, read } = newHead(1)
  const before = read("cls_score.weight")
  const narrow: Weights = new Map(
    [...oldHead(1)].map(([name, { shape, values }]) => [
      name,
      { shape: shape.length === 2 ? [2, shape[1]!] : shape, values },
    ]),
  )
  const origins = copyHead(parameters, narrow, 1, matchClasses(["a"], ["a"]))
  expect(origins).toEqual([{ name: "a", from: undefined }])
  expect(read("cls_score.weight")).toEqual(before)
  expect(transferTable(origins)).toBe("  background  new\n  a           new")
})

test("the head is what has outputs for each class, and nothing else", () => {
  const other = { shape: [1], values: Float32Array.of(1) }
  const { body, head } = splitHead(new Map([...oldHead(2), ["backbone.conv1.weight", other]]))
  expect([...body.keys()]).toEqual(["backbone.conv1.weight"])
  expect([...head.keys()]).toEqual([...oldHead(2).keys()])
})

test("the table names the class, the row it goes on from, and the row's class where that is called otherwise", () => {
  const origins: ClassOrigin[] = [
    { name: "sofa", from: { name: "couch", label: 58 } },
    { name: "person", from: { name: "person", label: 1 } },
    { name: "zebu", from: undefined },
  ]
  expect(transferTable(origins)).toBe(
    ["  background  row 0", "  sofa        row 58, couch", "  person      row 1", "  zebu        new"].join("\n"),
  )
})
