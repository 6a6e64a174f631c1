/** COCO's 80 categories by their ids, which have gaps: 1 to 90. @source instances_val2017.json, `categories` */
const names = [
  "1 person, bicycle, car, motorcycle, airplane, bus, train, truck, boat, traffic light, fire hydrant",
  "13 stop sign, parking meter, bench, bird, cat, dog, horse, sheep, cow, elephant, bear, zebra, giraffe",
  "27 backpack, umbrella",
  "31 handbag, tie, suitcase, frisbee, skis, snowboard, sports ball, kite, baseball bat, baseball glove, skateboard",
  "42 surfboard, tennis racket, bottle",
  "46 wine glass, cup, fork, knife, spoon, bowl, banana, apple, sandwich, orange, broccoli, carrot, hot dog, pizza",
  "60 donut, cake, chair, couch, potted plant, bed",
  "67 dining table",
  "70 toilet",
  "72 tv, laptop, mouse, remote, keyboard, cell phone, microwave, oven, toaster, sink, refrigerator",
  "84 book, clock, vase, scissors, teddy bear, hair drier, toothbrush",
]

const byId = new Map(
  names.flatMap((row) => {
    const [, first, list] = /^(\d+) (.*)$/.exec(row)!
    return list!.split(", ").map((name, i) => [Number(first) + i, name] as const)
  }),
)

export interface Labels {
  /** Names of the classes 1..K. */
  readonly classes: readonly string[]
  readonly categoryIds: readonly (number | string)[]
}

/**
 * What the K outputs of a detector of COCO stand for: torchvision's have one for every id to 90, of which ten are nobody's
 * (`N/A` and the id), detectron2's one for each of the 80 categories. `undefined` for other numbers.
 */
export function cocoLabels(count: number): Labels | undefined {
  const ids = [...byId.keys()]
  if (count === ids.length) return { classes: [...byId.values()], categoryIds: ids }
  if (count !== ids.at(-1)) return undefined
  const all = Array.from({ length: count }, (_, k) => k + 1)
  return { classes: all.map((id) => byId.get(id) ?? `N/A ${id}`), categoryIds: all }
}
