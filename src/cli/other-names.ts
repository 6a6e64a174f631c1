/**
 * Flags that people bring along from other tools.
 * @source Ultralytics' settings (`conf`, `iou`, `imgsz`, ...), torchvision's `references/detection/train.py`, detectron2's
 * `tools/train_net.py`
 */

const ofTraining = { imgsz: "size", lr0: "lr", "batch-size": "batch", "data-path": "data", "output-dir": "out" }

/** Flags that mean the same as ours, by command: other name, our option. */
const same: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  train: ofTraining,
  "classify train": ofTraining,
  "localize train": { ...ofTraining, model: "network" },
  detect: { conf: "score", iou: "nms", "save-crop": "crops", "max-det": "maxDetections" },
  eval: { "max-det": "maxDetections" },
  compare: { data: "gt" },
  export: { conf: "score", iou: "nms" },
  info: { weights: "model" },
  import: { weights: "file" },
}

/**
 * What to say of the others, for any command without such a flag of its own that has the flags of the answer; `<command> <flag>` for
 * one command.
 */
const answers: Readonly<Record<string, string>> = {
  device: "choose by --engine; a GPU is used where setup has prepared one",
  imgsz: "photos are looked at in the size that was trained for; --scales chooses others",
  name: "--out names the folder, as in --out runs/detect/NAME",
  project: "--out names the folder, as in --out runs/detect/NAME",
  model: "--weights names the trained model",
  "eval conf": "every score counts for AP; --score is the threshold of the confusion matrix",
  "eval iou": "--nms is the IoU of NMS, --iou-thrs are those of the metrics",
  "eval batch": "a detector looks at one photo at a time",
  "detect batch": "a detector looks at one photo at a time",
  "eval classes": "--categories scores some classes, with --gt and --predictions",
  "save-txt": "--format yolo writes a text file for each image",
  "save-json": "--format coco writes COCO results; eval has --save-predictions",
  "exist-ok": "nothing is overwritten: --resume goes on with a folder's results",
  "vid-stride": "--fps chooses how many frames of a second are looked at",
  "detect show": "pictures are drawn into the folder of the results",
  "config-file": "it is called --config",
  "num-gpus": "--processes says how many processes train together",
  "train eval-only": "resdet eval scores a detector",
  "train test-only": "resdet eval scores a detector",
}

/** Other names of a command's flags, without `--`, and the option that each means. */
export const sameFlags = (command: string): Readonly<Record<string, string>> => same[command] ?? {}

/**
 * Flags that a command does not have, without `--`, and what it has instead.
 * @param isOwn whether a flag is one of the command's
 */
export function answeredFlags(command: string, isOwn: (flag: string) => boolean): Readonly<Record<string, string>> {
  const own = `${command} `
  const entries = Object.entries(answers).flatMap(([key, answer]) => {
    const flag = key.startsWith(own) ? key.slice(own.length) : key
    const named = [...answer.matchAll(/--([a-z-]+)/g)].map(([, name]) => name!)
    return flag.includes(" ") || isOwn(flag) || !named.every(isOwn) ? [] : [[flag, answer] as const]
  })
  return Object.fromEntries(entries)
}

/** `data=coco.yaml batch_size=4`, as some tools take their options, as flags; other words are left out. */
export function flagsOfPairs(words: readonly string[]): string[] {
  return words.flatMap((text) => {
    const [, name, value] = /^([a-z_]+)=(.*)$/.exec(text) ?? []
    return name === undefined ? [] : [`--${name.replaceAll("_", "-")} ${value}`]
  })
}
