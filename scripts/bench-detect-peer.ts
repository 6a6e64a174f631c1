import { spawn } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { createInterface } from "node:readline"
import type { RgbImage } from "../datasets/image/rgb.js"
import type { Detections } from "../src/boxes/boxes.js"
import type { ModelConfig } from "../src/detector/model.js"
import { timedPeers } from "./timed-peers.js"

/** Milliseconds. */
export interface Times {
  readonly wall: number
  /** Of all processors together. */
  readonly cpu: number
}

/** torchvision's detector of the same weights, in a Python process. */
export interface Peer {
  readonly facts: {
    readonly versions: Readonly<Record<string, string>>
    /** Who it can ask, by the names that it knows them by. */
    readonly contenders: readonly string[]
    readonly proposals: number
    readonly threads: number
  }
  /** What it finds in the photo, image pixels. */
  readonly found: Detections
  readonly contenders: Readonly<Record<string, () => Promise<Times>>>
  stop(): void
}

const titles: Readonly<Record<string, string>> = {
  eager: "torchvision, eager",
  channels_last: "torchvision, channels last",
  bf16: "torchvision, same in bf16",
  onnx: "torchvision's ONNX export",
  openvino: "the export in OpenVINO",
  openvino_bf16: "the export in OpenVINO, bf16",
}

interface Start {
  readonly weights: string
  readonly config: ModelConfig
  readonly photo: RgbImage
  /** For the photo's file. */
  readonly folder: string
}

/** @throws Error when Python ends instead of answering; what it says is on stderr */
export async function startPeer(python: string, { weights, config, photo, folder }: Start): Promise<Peer> {
  const file = join(folder, "photo.raw")
  writeFileSync(file, photo.data)
  // From dist/scripts up to the repository's root.
  const script = join(import.meta.dirname, "../../scripts/bench_detect_peer.py")
  const args = [script, weights, JSON.stringify(config), file, String(photo.height), String(photo.width)]
  const child = spawn(python, args, { stdio: ["pipe", "pipe", "inherit"] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const answer = async () => {
    const { value, done } = await lines.next()
    if (done) throw new Error(`${python} ${script} ended early`)
    return JSON.parse(value) as unknown
  }
  const { boxes, scores, labels, ...facts } = (await answer()) as Peer["facts"] & Record<keyof Detections, number[]>
  const turn = (name: string) => async () => {
    child.stdin.write(`${name}\n`)
    return (await answer()) as Times
  }
  return {
    facts,
    found: { boxes: Float32Array.from(boxes), scores: Float32Array.from(scores), labels: Int32Array.from(labels) },
    contenders: Object.fromEntries(timedPeers(facts.contenders).map((name) => [titles[name] ?? name, turn(name)])),
    stop: () => child.kill(),
  }
}
