import { expect, test } from "vitest"
import { commands } from "../../src/cli/commands.js"
import { sameFlags } from "../../src/cli/other-names.js"
import { declaredOptions } from "../../src/tasks/option.js"
import { runCommand } from "../support/run-command.js"

const shown = async (...args: string[]) => {
  const { out, said, code } = await runCommand(...args, "--print-config")
  return code === 0 ? (JSON.parse(out) as Record<string, unknown>) : said
}

test("predict and val are detect and eval, with the flags that mean the same", async () => {
  const flags = ["--conf", "0.3", "--iou", "0.6", "--save-crop", "--max-det", "7", "--classes", "dog,cat"]
  expect(await shown("predict", "--weights", "w", "--source", "s", ...flags)).toMatchObject({
    ...{ score: 0.3, nms: 0.6, crops: true, maxDetections: 7, classes: ["dog", "cat"] },
  })
  expect(await shown("val", "--weights", "w", "--data", "d")).toMatchObject({ weights: ["w"], data: "d" })
  expect(await shown("localize", "train", "--model", "a", "--network", "b")).toBe(
    "error: --model means --network here: give one of them\n",
  )
})

test("a value of another name is refused as ours, and both names at once are too", async () => {
  expect(await shown("detect", "--weights", "w", "--source", "s", "--iou", "2")).toMatch(/^error: --nms: expected/)
  expect(await shown("detect", "--conf", "0.3", "--score", "0.4")).toBe(
    "error: --conf means --score here: give one of them\n",
  )
})

test("what stands without a flag may have one, or its other name, but not both", async () => {
  expect(await shown("dataset", "check", "--data", "d")).toEqual(await shown("dataset", "check", "d"))
  expect(await shown("merge", "--shards", "a", "b", "--out", "m")).toEqual(await shown("merge", "a", "b", "--out", "m"))
  expect(await shown("info", "--weights", "w")).toMatchObject({ model: "w" })
  expect(await shown("weights", "get", "--name", "coco")).toMatchObject({ name: "coco" })
  expect(await shown("dataset", "check", "d", "--data", "e")).toBe("error: --data means <data>: give one of them\n")
})

test.each([
  [["detect", "--device", "0"], "error: --device: choose by --engine; a GPU is used where setup has prepared one\n"],
  [["train", "--name", "x"], "error: --name: --out names the folder, as in --out runs/detect/NAME\n"],
  [["val", "--iou=0.7"], "error: --iou: --nms is the IoU of NMS, --iou-thrs are those of the metrics\n"],
  [["predict", "--show"], "error: --show: pictures are drawn into the folder of the results\n"],
  [["train", "data=coco.yaml", "batch_size=4"], "error: options are flags here: --data coco.yaml --batch-size 4\n"],
  [["detect", "a.jpg"], 'error: unexpected "a.jpg" behind detect: write --source a.jpg, or see --help\n'],
  [["train", "my photos"], `error: unexpected "my photos" behind train: write --data 'my photos', or see --help\n`],
  [["eval", "a.pth"], 'error: unexpected "a.pth" behind eval: write --weights a.pth, or see --help\n'],
  [["dataset", "convert", "a", "b"], 'error: unexpected "b" behind dataset convert: write --out b, or see --help\n'],
  [["doctor", "now"], 'error: unexpected "now" behind doctor: leave it out, or see --help\n'],
  [["detect", "--model", "best.pt"], "error: --model: --weights names the trained model\n"],
  // What an answer names is there; where it is not, there is none.
  [["dataset", "convert", "--model", "best.pt"], 'error: unknown option "--model"\n'],
  [["eval", "--project", "x"], 'error: unknown option "--project"\n'],
  [["predict", "--confs", "1"], 'error: unknown option "--confs". Did you mean "--config"?\n'],
])("what there is not is answered with what there is: %j", async (args, line) => {
  expect(await runCommand(...args)).toEqual({ out: "", said: line, code: 2 })
})

test("other names stand for options that there are, and none is a flag of ours", async () => {
  for (const entry of commands) {
    const entries =
      "commands" in entry
        ? entry.commands.map((one) => [`${entry.name} ${one.name}`, one] as const)
        : [[entry.name, entry] as const]
    for (const [name, one] of entries) {
      if (!("load" in one)) continue
      const { schema } = await one.load()
      const keys = schema === undefined ? [] : declaredOptions(schema).map(({ key }) => key)
      expect(keys, name).toEqual(expect.arrayContaining(Object.values(sameFlags(name))))
      expect(
        keys.filter((key) => key in sameFlags(name)),
        name,
      ).toEqual([])
    }
  }
})

test("resdet alone prints its help to stderr and exits with 2, and so does a group of commands", async () => {
  expect(await runCommand()).toMatchObject({
    out: "",
    said: expect.stringMatching(/^Usage: resdet \[options\]/),
    code: 2,
  })
  expect(await runCommand("dataset")).toMatchObject({ said: expect.stringMatching(/^Usage: resdet dataset/), code: 2 })
})
