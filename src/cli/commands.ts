import type { CommandEntry } from "./command.js"

/** Every command of `resdet`, in the order the help lists them. A command is added here, by one line. */
export const commands: readonly CommandEntry[] = [
  { name: "train", summary: "train a detector on VOC, COCO or YOLO data", load: () => import("./train.js") },
]
