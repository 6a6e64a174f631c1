import type { Command } from "commander"
import { addConfigFlags, atLeastOneFlag, givenFlags } from "./flags.js"
import { log, print, writeJson } from "./report.js"

/** The `anchors` command. */
export function configure(command: Command): void {
  command
    .option("--data <path>", "a VOC folder (several joined with +), a COCO folder or file, or a YOLO data.yaml")
    .option("--split <name>", "which part of the data (default: train)")
    .option("--images <folder>", "where a COCO file's images are, if not beside it")
    .option("--model <name>", "whose feature maps the anchors stand on (default: fasterrcnn_resnet18_c4)")
    .option("--preset <name>", "whose anchors and sizes: light (default), paper, torchvision or detectron2")
    .option("--size <pixels>", "shorter side of the input (default: the preset's)", atLeastOneFlag)
    .option("--max-size <pixels>", "most its longer side may be (default: the preset's)", atLeastOneFlag)
    .option("--json <file>", "write one JSON document to a file, or to stdout with -")
  addConfigFlags(command).action(() => anchors(command))
}

async function anchors(command: Command): Promise<void> {
  const [{ resolveConfig }, { anchorsSchema, fitAnchors }, { anchorLines }] = await Promise.all([
    import("./config.js"),
    import("./run-anchors.js"),
    import("./anchors-lines.js"),
  ])
  const { flags, file, sets, printConfig } = givenFlags(command)
  const { json, ...options } = flags
  const config = resolveConfig(anchorsSchema, { file, flags: options, sets, paths: ["images"], joinedPaths: ["data"] })
  if (printConfig) return print(JSON.stringify(config, null, 2))
  const report = await fitAnchors(config, log)
  if (typeof json === "string") writeJson(report, json)
  if (json !== "-") for (const line of anchorLines(report)) print(line)
}
