import type { CommandEntry } from "./command.js"

/** Every command of `resdet`, in the order the help lists them. A command is added here, by one entry. */
export const commands: readonly CommandEntry[] = [
  { name: "train", summary: "train a detector on VOC, COCO or YOLO data", load: () => import("./train.js") },
  {
    name: "eval",
    summary: "score a detector, or saved predictions: VOC and COCO mAP",
    load: () => import("./eval.js"),
  },
  { name: "detect", summary: "find objects in photos: pictures and result files", load: () => import("./detect.js") },
  {
    name: "localize",
    summary: "one box for each class of an image: train, eval, predict",
    commands: [
      {
        name: "train",
        summary: "train a per-class RPN, or its second stage, on data with boxes",
        load: () => import("./localize-train.js"),
      },
      {
        name: "eval",
        summary: "score a localizer: ImageNet's localization error",
        load: () => import("./localize-eval.js"),
      },
      {
        name: "predict",
        summary: "find a box for each class a classifier guesses, or for classes you name",
        load: () => import("./localize-predict.js"),
      },
    ],
  },
  {
    name: "classify",
    summary: "train classifiers, the backbones of detectors; score and run them",
    commands: [
      {
        name: "train",
        summary: "train a classifier on a folder of classes, or CIFAR-10",
        load: () => import("./classify-train.js"),
      },
      {
        name: "eval",
        summary: "top-1 and top-5 error, by crops, densely or by several networks",
        load: () => import("./classify-eval.js"),
      },
      {
        name: "predict",
        summary: "name the classes of every image of a folder",
        load: () => import("./classify-predict.js"),
      },
      {
        name: "responses",
        summary: "how strongly each 3x3 layer answers, the paper's Fig. 7",
        load: () => import("./classify-responses.js"),
      },
    ],
  },
  {
    name: "dataset",
    summary: "check, count, convert, split, view or make data",
    commands: [
      {
        name: "check",
        summary: "name every fault with its file and object; exits with 3 when there are any",
        load: () => import("./dataset-check.js"),
      },
      { name: "stats", summary: "count images, objects and box sizes", load: () => import("./dataset-stats.js") },
      { name: "convert", summary: "write a data set in another format", load: () => import("./dataset-convert.js") },
      {
        name: "split",
        summary: "divide the images of one split into train, val and test, each class in its share",
        load: () => import("./dataset-split.js"),
      },
      {
        name: "view",
        summary: "draw images with their ground truth into a folder",
        load: () => import("./dataset-view.js"),
      },
      {
        name: "demo",
        summary: "make a small VOC data set: handwritten digits, or shapes",
        load: () => import("./dataset-demo.js"),
      },
    ],
  },
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
