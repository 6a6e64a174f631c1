import { readFileSync } from "node:fs"
import { arch, availableParallelism, cpus, totalmem } from "node:os"
import { join } from "node:path"
import * as tf from "@tensorflow/tfjs-core"
import { packageFolder } from "../../core/own-package.js"

/** What a run is made on, for people who compare runs; nothing that names the machine or its user. */
export interface Environment {
  readonly resdet: string
  readonly node: string
  readonly engine: string
  readonly system: string
  readonly processor: string
  readonly cores: number
  readonly memory: string
}

/** The environment of this process, whose engine has been started. */
export function environment(): Environment {
  const { version } = JSON.parse(readFileSync(join(packageFolder(), "package.json"), "utf8")) as { version: string }
  return {
    resdet: version,
    node: process.version,
    engine: tf.getBackend(),
    system: `${process.platform} ${arch()}`,
    processor: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memory: `${Math.round(totalmem() / 2 ** 30)} GB`,
  }
}
