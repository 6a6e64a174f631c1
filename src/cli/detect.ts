import type { Command } from "commander"
import { DataError } from "../tensor/errors.js"
import { addDetectFlags } from "./detect-flags.js"
import { interruption } from "./exit.js"
import { addConfigFlags, detectEngineFlag, fractionFlag, givenFlags, listFlag } from "./flags.js"
import { log, print } from "./report.js"
import type { DetectParts } from "./run-detect.js"

/** The `detect` command with the real network and decoder. */
export function configure(command: Command): void {
  configureDetect(command, async () => {
    const [{ openNetwork }, { decodePixels, drawDetections }, { encodeImage }] = await Promise.all([
      import("../predict/open-network.js"),
      import("../predict/images.js"),
      import("../../datasets/image/encode.js"),
    ])
    return { openNetwork, decode: decodePixels, draw: drawDetections, encode: encodeImage }
  })
}

/**
 * The `detect` command.
 * @param loadParts loads the network's and the images' side, once the command runs
 */
export function configureDetect(command: Command, loadParts: () => Promise<DetectParts>): void {
  command
    .option("--weights <files...>", "a trained detector (.safetensors or .onnx), or several that work as one")
    .option("--source <path>", "an image, a folder, a pattern in quotes, or a list file (.txt)")
    .option("--out <folder>", "where results go (default: runs/detect/detectN)")
    .option("--score <0..1>", "leave out detections scored lower (default: 0.5)", fractionFlag)
    .option("--format <names>", "coco, voc, yolo, csv, jsonl; several with commas (default: jsonl)", listFlag)
    .option("--no-draw", "write no pictures")
    .option("--crops", "write each detection as a picture of its own")
    .addOption(detectEngineFlag())
  addConfigFlags(addDetectFlags(command)).action(() => detect(command, loadParts))
}

async function detect(command: Command, loadParts: () => Promise<DetectParts>): Promise<void> {
  const [{ resolveConfig }, { detectSchema }, { runDetect }] = await Promise.all([
    import("./config.js"),
    import("./detect-config.js"),
    import("./run-detect.js"),
  ])
  const { flags, file, sets, printConfig } = givenFlags(command)
  const config = resolveConfig(detectSchema, { file, flags, sets, paths: ["weights", "source", "out"] })
  if (printConfig) return print(JSON.stringify(config, null, 2))

  const signal = interruption()
  const { folder, images, skipped } = await runDetect(config, await loadParts(), signal, log)
  print(folder)
  if (skipped > 0) throw new DataError(`${skipped} of ${images} images could not be read; the others are in ${folder}`)
}
