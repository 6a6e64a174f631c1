import { rmSync } from "node:fs"
import { join } from "node:path"
import { findDigits } from "../../datasets/demo/glyphs.js"
import { makeDigits, writeDigitCrops } from "../../datasets/digits.js"
import { UserError } from "../core/errors.js"
import { cacheFolder } from "../core/own-package.js"
import type { EngineName } from "../engine/names.js"
import { startEngine } from "../engine/start.js"
import { fetchPackages } from "../setup/fetch-package.js"
import { parseOptions } from "./config.js"
import { type DetectHooks, detectFolder } from "./detect-folder.js"
import { evaluateDetector } from "./evaluate-detector.js"
import { countOff, listenerOf } from "./hooks.js"
import { type QuickstartOptions, quickstartSchema } from "./options/quickstart.js"
import type { TrainClassifierOptions } from "./options/train-classifier.js"
import type { TrainDetectorOptions } from "./options/train-detector.js"
import { claimFolder } from "./own-output.js"
import { setUp } from "./set-up.js"
import { trainClassifier } from "./train-classifier.js"
import { trainDetector } from "./train-detector.js"
import type { TrainHooks } from "./training/train-result.js"

/** What the paper's whole chain came to on pictures of digits. */
export interface QuickstartResult {
  /** The digits, the classifier, the detector and the pictures with boxes lie in it. */
  readonly folder: string
  readonly weights: string
  readonly pictures: string
  readonly engine: EngineName
  /** Mean average precision at an IoU of 0.5 on pictures that were not trained on, 0..1. */
  readonly mAP: number | null
  readonly valImages: number
  readonly seconds: number
}

/** Below the folder. */
const places = { data: "digits", crops: "crops", classifier: "classifier", detector: "detector", pictures: "detect" }

/** How much is learned: WebAssembly is several times slower and gets a smaller task, with a lower mAP. */
const whole = { images: 600, valImages: 150, crops: 9600, size: 192, epochs: 3, batch: 4, regions: 32 }
const small: typeof whole = { ...whole, valImages: 40, crops: 3200, size: 128, epochs: 1, batch: 2, regions: 16 }

/**
 * The paper's whole chain in a few minutes: a ResNet learns to tell handwritten digits apart, a Faster R-CNN that starts from it
 * learns to find them in pictures, and is scored and shown. An earlier quickstart in the folder gives way.
 * @throws UserError when the digits cannot be had; UsageError for a folder that something else has made
 */
export async function quickstart(
  options: QuickstartOptions = {},
  hooks: TrainHooks & DetectHooks = {},
): Promise<QuickstartResult> {
  const config = parseOptions("quickstart", quickstartSchema, options)
  const listener = listenerOf(hooks)
  const { log } = listener
  const folder = config.out ?? join("runs", "quickstart")
  claimFolder(folder, "quickstart")
  const began = performance.now()
  const step = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    listener.signal.throwIfAborted()
    const since = performance.now()
    log(`== ${what}`)
    const result = await work()
    log(`== done in ${((performance.now() - since) / 1000).toFixed(0)} s\n`)
    return result
  }

  if (!config.offline) await step("set up the engine", () => setUpIfPossible(hooks))
  const engine = await startEngine(config.engine)
  const task = engine === "tensorflow" ? whole : small
  log(`engine: ${engine}\n`)
  const [data, crops] = [join(folder, places.data), join(folder, places.crops)]
  await step("write pictures of handwritten digits", async () => {
    if (findDigits() === undefined) await fetchDigits(config.offline, log)
    for (const name of Object.values(places)) rmSync(join(folder, name), { recursive: true, force: true })
    const { images, valImages } = task
    await makeDigits(data, { images, valImages, onProgress: countOff(listener, "make") })
    await writeDigitCrops(crops, { images: task.crops, valImages: 500, side: 48 })
  })
  const classifier = await step("pre-train a ResNet-18 to classify digits", () =>
    trainClassifier({ ...lesson, data: crops, out: join(folder, places.classifier), engine }, hooks),
  )
  listener.signal.throwIfAborted()
  const { weights } = await step("train a Faster R-CNN that starts from it", () =>
    trainDetector(
      {
        ...settings(task.regions),
        data,
        weights: classifier.weights.last,
        out: join(folder, places.detector),
        size: task.size,
        epochs: task.epochs,
        batch: task.batch,
        engine,
      },
      hooks,
    ),
  )
  const report = await step("score it on pictures it has not seen", () =>
    evaluateDetector({ weights: weights.last, data, engine }, hooks),
  )
  const pictures = join(folder, places.pictures)
  await step("find digits in a folder of pictures", () =>
    detectFolder(
      { weights: weights.last, source: join(data, "JPEGImages", "0006*.jpg"), out: pictures, engine },
      hooks,
    ),
  )
  const seconds = (performance.now() - began) / 1000
  const mAP = report.voc[0]?.voc12
  const { valImages } = task
  return {
    folder,
    weights: weights.last,
    pictures,
    engine,
    mAP: mAP !== undefined && Number.isFinite(mAP) ? mAP : null,
    valImages,
    seconds,
  }
}

const lesson = {
  model: "resnet18",
  size: 48,
  epochs: 1,
  batch: 32,
  lr: 0.02,
  schedule: "cosine",
  warmup: 20,
  clipNorm: 10,
  logEvery: 50,
  // Digits are seen as they are: mirrored or cut they would be no digits.
  shorter: [48, 48],
  flip: 0,
  colour: 0,
  statisticsImages: 1000,
} satisfies Partial<TrainClassifierOptions>

/** Small digits need few bins; half of the regions show objects, as there are only minutes to learn from. */
const settings = (regions: number) =>
  ({
    preset: "light",
    valEvery: 0,
    schedule: "cosine",
    warmup: 50,
    logEvery: 25,
    detector: {
      align: { size: 4 },
      roi: { sample: { batchSizePerImage: regions, positiveFraction: 0.5 } },
      proposals: { test: { postNmsTopN: 50 } },
    },
  }) satisfies Partial<TrainDetectorOptions>

/** Where native TensorFlow cannot be set up, the rest runs on WebAssembly. */
async function setUpIfPossible(hooks: TrainHooks): Promise<void> {
  try {
    await setUp({}, hooks)
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    hooks.onLog?.(error.message)
  }
}

async function fetchDigits(offline: boolean, log: (line: string) => void): Promise<void> {
  if (offline) throw new UserError("quickstart --offline: the digits are not here yet. Run it once without --offline")
  await fetchPackages("mnist", cacheFolder(), log)
}
