import type { CommandEntry } from "./command.js"

/** Every command of `resdet`, in the order the help lists them. A command is added here, by one line. */
export const commands: readonly CommandEntry[] = [
  { name: "train", summary: "train a detector on VOC, COCO or YOLO data", load: () => import("./train.js") },
  {
    name: "eval",
    summary: "score a detector, or saved predictions: VOC and COCO mAP",
    load: () => import("./eval.js"),
  },
  {
    name: "compare",
    summary: "what changes from one detector's results to another's, and whether it is noise",
    load: () => import("./compare.js"),
  },
  { name: "detect", summary: "find objects in photos: pictures and result files", load: () => import("./detect.js") },
  {
    name: "localize",
    summary: "one box for each class of an image: train, eval, predict",
    load: () => import("./localize.js"),
  },
  {
    name: "classify",
    summary: "train classifiers, the backbones of detectors; score and run them",
    load: () => import("./classify.js"),
  },
  { name: "dataset", summary: "check, count, convert, split, view or make data", load: () => import("./dataset.js") },
  {
    name: "anchors",
    summary: "how the RPN's anchors fit a data set, and what would fit better",
    load: () => import("./anchors.js"),
  },
  { name: "import", summary: "convert PyTorch weights to safetensors", load: () => import("./import.js") },
  {
    name: "export",
    summary: "write a detector or a classifier as ONNX, for any runtime",
    load: () => import("./export.js"),
  },
  { name: "info", summary: "layers, parameters and multiply-adds of a model", load: () => import("./info.js") },
  {
    name: "bench",
    summary: "how long each phase of training and detecting takes here",
    load: () => import("./bench.js"),
  },
  { name: "setup", summary: "get native TensorFlow, once for every clone", load: () => import("./setup.js") },
  {
    name: "doctor",
    summary: "what this machine can run, and the cure for what it cannot",
    load: () => import("./doctor.js"),
  },
]
