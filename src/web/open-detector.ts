import { UserError } from "../core/errors.js"
import { checkDetectOptions } from "../detector/detect-options.js"
import { type NetworkImage, networkSession } from "../onnx/detector-session.js"
import { createSession, type OnnxRuntime } from "../onnx/runtime.js"
import { plainDetections } from "../predict/detection.js"
import { type GraphDetector, graphDetector } from "../predict/graph-detector.js"
import type { Device, WebDetector } from "./detector.js"
import { type Drawable, openDrawable } from "./drawable.js"
import { readGraphFile } from "./graph-file.js"
import { networkImage } from "./network-image.js"
import { pixelReader, type RgbaPixels } from "./read-pixels.js"

export interface OpenOptions {
  /** Name of the file, for messages. */
  readonly file: string
  /** Undefined: the GPU where it can run the detector, else the processor. */
  readonly device: Device | undefined
}

/**
 * Loads a detector in this thread.
 * @throws DataError when the file is no detector, UserError when the device that was asked for cannot run it
 */
export async function openDetector(
  runtime: OnnxRuntime,
  bytes: Uint8Array,
  { file, device: wanted }: OpenOptions,
): Promise<WebDetector> {
  const { facts, bytes: graph } = readGraphFile(file, bytes)
  const { model, classes, categoryIds, bestScore, select } = facts
  const on = async (device: Device): Promise<Running> => {
    const options = { executionProviders: [device], logSeverityLevel: 3 } as const
    const session = await createSession(runtime, graph, options).catch((error: unknown) => {
      throw new UserError(`${file}: ONNX Runtime cannot load it: ${firstLine(error)}`)
    })
    return { device, network: graphDetector(networkSession(session), { file, cure: "Leave it out", classes, select }) }
  }
  const trial = () => networkImage(new ImageData(64, 48), facts)
  const { device, network } = wanted === "wasm" ? await on("wasm") : await onGpuOr(on, trial, wanted)
  const pixelsOf = pixelReader()
  let last: Promise<unknown> = Promise.resolve()
  /** After all that was asked for before: a session runs once at a time. */
  const inTurn = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const result = last.then(work)
    last = result.catch(() => undefined)
    return result
  }
  return {
    model,
    classes,
    categoryIds,
    bestScore,
    device,
    async detect(source, options = {}) {
      checkDetectOptions("detect", options)
      const asked = performance.now()
      return await inTurn(async () => {
        const began = performance.now()
        const drawable = await openDrawable(source)
        const { width, height } = drawable
        const pixels = readAndClose(drawable, pixelsOf)
        const read = performance.now()
        const image = networkImage(pixels, facts)
        const resized = performance.now()
        const found = await network.detect(image, options)
        const ended = performance.now()
        const milliseconds = {
          read: read - began,
          resize: resized - read,
          detect: ended - resized,
          total: ended - asked,
        }
        return { width, height, detections: plainDetections(found, classes), device, milliseconds }
      })
    },
    dispose: () => void inTurn(async () => network.dispose()),
  }
}

interface Running {
  readonly device: Device
  readonly network: GraphDetector<NetworkImage>
}

/** On the GPU, if it gets through a first picture; that also prepares its programs. Else on the processor, unless the GPU was asked for. */
async function onGpuOr(
  on: (device: Device) => Promise<Running>,
  trial: () => NetworkImage,
  wanted: Device | undefined,
): Promise<Running> {
  try {
    await expectGpu()
    const running = await on("webgpu")
    await running.network.detect(trial(), {})
    return running
  } catch (error) {
    if (wanted === "webgpu") {
      throw new UserError(`loadDetector: WebGPU cannot be used: ${firstLine(error)}. Leave device out for WebAssembly`)
    }
    return await on("wasm")
  }
}

/** @throws Error where the browser offers none */
async function expectGpu(): Promise<void> {
  const { gpu } = navigator as { gpu?: { requestAdapter(): Promise<object | null> } }
  if (((await gpu?.requestAdapter()) ?? null) === null) throw new Error("this browser offers no GPU")
}

function readAndClose(drawable: Drawable, pixelsOf: (drawable: Drawable) => RgbaPixels): RgbaPixels {
  try {
    return pixelsOf(drawable)
  } finally {
    drawable.close()
  }
}

const firstLine = (error: unknown): string => (error instanceof Error ? error.message : String(error)).split("\n")[0]!
