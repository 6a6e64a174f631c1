import type { Command } from "commander"
import type { CommandEntry } from "./command.js"

/** The commands behind `resdet classify`, in the order its help lists them. One is added here, by one entry. */
const commands: readonly CommandEntry[] = [
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
]

/** `resdet classify`: only the command that is called is loaded. */
export async function configure(command: Command, words: readonly string[] = []): Promise<void> {
  command.description("trains classifiers, scores them and runs them on photos")
  for (const { name, summary, load } of commands) {
    const sub = command.command(name).description(summary)
    if (name === words[0]) await (await load()).configure(sub)
  }
}
