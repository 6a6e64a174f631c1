import type { CommandEntry } from "./command.js"

/** Every command of `resdet`, in the order the help lists them. A command is added here, by one entry. */
export const commands: readonly CommandEntry[] = [
  {
    name: "quickstart",
    summary: "train a detector of handwritten digits in a few minutes and see it work",
    load: async () => (await import("./quickstart.js")).command,
  },
  {
    name: "train",
    summary: "train a detector on VOC, COCO or YOLO data",
    load: async () => (await import("./train.js")).command,
  },
  {
    name: "tune",
    summary: "search training options for your data within a time budget",
    load: async () => (await import("./tune.js")).command,
  },
  {
    name: "eval",
    alias: "val",
    summary: "score a detector, or saved predictions: VOC and COCO mAP",
    load: async () => (await import("./eval.js")).command,
  },
  {
    name: "detect",
    alias: "predict",
    summary: "find objects in photos: pictures and result files",
    load: async () => (await import("./detect.js")).command,
  },
  {
    name: "merge",
    summary: "put together what the shards of one detection have found",
    load: async () => (await import("./merge.js")).command,
  },
  {
    name: "compare",
    summary: "what changes from one detector's results to another's, and whether it is noise",
    load: async () => (await import("./compare.js")).command,
  },
  {
    name: "report",
    summary: "training runs side by side, as a page to look at",
    load: async () => (await import("./report-runs.js")).command,
  },
  {
    name: "localize",
    summary: "one box for each class of an image: train, eval, predict",
    commands: [
      {
        name: "train",
        summary: "train a per-class RPN, or its second stage, on data with boxes",
        load: async () => (await import("./localize-train.js")).command,
      },
      {
        name: "eval",
        summary: "score a localizer: ImageNet's localization error",
        load: async () => (await import("./localize-eval.js")).command,
      },
      {
        name: "predict",
        summary: "find a box for each class a classifier guesses, or for classes you name",
        load: async () => (await import("./localize-predict.js")).command,
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
        load: async () => (await import("./classify-train.js")).command,
      },
      {
        name: "eval",
        summary: "top-1 and top-5 error, by crops, densely or by several networks",
        load: async () => (await import("./classify-eval.js")).command,
      },
      {
        name: "predict",
        summary: "name the classes of every image of a folder",
        load: async () => (await import("./classify-predict.js")).command,
      },
      {
        name: "responses",
        summary: "how strongly each 3x3 layer answers, the paper's Fig. 7",
        load: async () => (await import("./classify-responses.js")).command,
      },
    ],
  },
  {
    name: "dataset",
    summary: "check, count, convert, split, view or make data",
    commands: [
      {
        name: "get",
        summary: "fetch, check and unpack a published data set: voc2007, voc2012, coco2017",
        load: async () => (await import("./dataset-get.js")).command,
      },
      {
        name: "check",
        summary: "name every fault with its file and object; exits with 3 when there are any",
        load: async () => (await import("./dataset-check.js")).command,
      },
      {
        name: "stats",
        summary: "count images, objects and box sizes",
        load: async () => (await import("./dataset-stats.js")).command,
      },
      {
        name: "convert",
        summary: "write a data set in another format",
        load: async () => (await import("./dataset-convert.js")).command,
      },
      {
        name: "split",
        summary: "divide the images of one split into train, val and test, each class in its share",
        load: async () => (await import("./dataset-split.js")).command,
      },
      {
        name: "view",
        summary: "draw images with their ground truth into a folder",
        load: async () => (await import("./dataset-view.js")).command,
      },
      {
        name: "demo",
        summary: "make a small VOC data set: handwritten digits, or shapes",
        load: async () => (await import("./dataset-demo.js")).command,
      },
    ],
  },
  {
    name: "anchors",
    summary: "how the RPN's anchors fit a data set, and what would fit better",
    load: async () => (await import("./anchors.js")).command,
  },
  {
    name: "import",
    summary: "convert PyTorch weights to safetensors",
    load: async () => (await import("./import.js")).command,
  },
  {
    name: "export",
    summary: "write a detector or a classifier as ONNX, for any runtime",
    load: async () => (await import("./export.js")).command,
  },
  {
    name: "info",
    summary: "layers, parameters and multiply-adds of a model",
    load: async () => (await import("./info.js")).command,
  },
  {
    name: "bench",
    summary: "how long each phase of training and detecting takes on this machine",
    load: async () => (await import("./bench.js")).command,
  },
  {
    name: "weights",
    summary: "published weights by name: list, get, where",
    commands: [
      {
        name: "list",
        summary: "which there are: size, accuracy, licence",
        load: async () => (await import("./weights-list.js")).command,
      },
      {
        name: "get",
        summary: "fetch one into the cache, and print its file",
        load: async () => (await import("./weights-get.js")).command,
      },
      {
        name: "where",
        summary: "print the file of one",
        load: async () => (await import("./weights-where.js")).command,
      },
    ],
  },
  {
    name: "setup",
    summary: "get native TensorFlow and ONNX Runtime, once per machine",
    load: async () => (await import("./setup.js")).command,
  },
  {
    name: "doctor",
    summary: "what this machine can run, and how to fix what it cannot",
    load: async () => (await import("./doctor.js")).command,
  },
  {
    name: "completion",
    summary: "complete commands and flags in bash, zsh or fish",
    load: async () => (await import("./completion.js")).command,
  },
]
