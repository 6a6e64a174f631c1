import type { Detection } from "../../predict/detection.js"
import { annotate } from "../annotate.js"
import type { WebDetections, WebDetector } from "../detector.js"
import { loadDetector } from "../load-detector.js"
import { startCamera } from "./camera.js"
import { classChoice } from "./class-choice.js"
import { element, tableRow } from "./elements.js"

// The page that `resdet export --format web` writes.

/** A picture, and everything that was found in it; what is shown of it is chosen in the page. */
interface Looked {
  readonly picture: ImageBitmap
  readonly name: string
  readonly found: WebDetections
}

const status = element("status")
const canvas = element<HTMLCanvasElement>("canvas")
const threshold = element<HTMLInputElement>("threshold")
const [labels, scores] = [element<HTMLInputElement>("labels"), element<HTMLInputElement>("scores")]
const file = element<HTMLInputElement>("file")
const cameraButton = element<HTMLButtonElement>("camera")
const save = element<HTMLButtonElement>("save")
let looked: Looked | undefined
let stopCamera: (() => void) | undefined

function say(text: string): void {
  status.classList.remove("error")
  status.textContent = text
}

function fail(error: unknown): void {
  status.classList.add("error")
  status.textContent = (error as Error).message
}

async function load(): Promise<WebDetector> {
  const bar = element<HTMLProgressElement>("progress")
  const expected = Number(document.querySelector<HTMLMetaElement>("meta[name=model-bytes]")!.content)
  say("The detector is loading ...")
  bar.hidden = false
  const worker = detectorWorker()
  const detector = await loadDetector("./detector.onnx", {
    worker,
    onProgress({ loaded, total = expected }) {
      bar.max = Math.max(total, loaded)
      bar.value = loaded
      say(loaded < total ? `Loading the detector: ${megabytes(loaded)} of ${megabytes(total)} MB` : "Getting ready ...")
    },
  })
  bar.hidden = true
  return detector
}

/** A worker of its own address would not be bound by the page's content policy; one made here is. */
function detectorWorker(): Worker {
  const script = `import ${JSON.stringify(new URL("./worker.js", document.baseURI).href)}`
  const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }))
  return new Worker(url, { type: "module" })
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)

function serve(detector: WebDetector): void {
  const { model, classes, device, bestScore = 0.5 } = detector
  element("about").textContent =
    `${model}, ${classes.length} ${classes.length === 1 ? "class" : "classes"}, on ${device}`
  threshold.value = String(bestScore)
  const isChosen = classChoice(classes, show)
  say("Ready. Choose a photo.")
  element("controls").hidden = false
  file.disabled = false
  cameraButton.disabled = navigator.mediaDevices === undefined
  for (const input of [threshold, labels, scores]) input.addEventListener("input", show)
  show()

  file.addEventListener("change", () => look(file.files?.[0]))
  document.addEventListener("paste", (event) => look(event.clipboardData?.files[0]))
  const place = document.querySelector(".picture")!
  document.addEventListener("dragover", (event) => {
    event.preventDefault()
    place.classList.add("over")
  })
  document.addEventListener("dragleave", () => place.classList.remove("over"))
  document.addEventListener("drop", (event) => {
    event.preventDefault()
    place.classList.remove("over")
    look(event.dataTransfer?.files[0])
  })
  cameraButton.addEventListener("click", () => (stopCamera === undefined ? useCamera() : leaveCamera()))
  save.addEventListener("click", saveShown)

  async function look(photo: File | undefined): Promise<void> {
    if (photo === undefined) return
    leaveCamera()
    say(`Looking at ${photo.name} ...`)
    try {
      const found = await detector.detect(photo)
      const picture = await createImageBitmap(photo, { colorSpaceConversion: "none" })
      take({ picture, name: photo.name, found })
    } catch (error) {
      fail(error)
    }
  }

  async function useCamera(): Promise<void> {
    say("Starting the camera ...")
    try {
      stopCamera = await startCamera(element<HTMLVideoElement>("video"), async (picture) => {
        take({ picture, name: "camera.png", found: await detector.detect(picture) })
      })
      cameraButton.textContent = "Stop the camera"
    } catch (error) {
      fail(new Error(`The camera cannot be used: ${(error as Error).message}`))
    }
  }

  function leaveCamera(): void {
    stopCamera?.()
    stopCamera = undefined
    cameraButton.textContent = "Use the camera"
  }

  function take(next: Looked): void {
    looked?.picture.close()
    looked = next
    show()
  }

  function show(): void {
    element("score").textContent = Number(threshold.value).toFixed(2)
    if (looked === undefined) return
    const { picture, found } = looked
    const shown = found.detections.filter(({ score, classId }) => score >= Number(threshold.value) && isChosen(classId))
    isChosen.count(found.detections.filter(({ score }) => score >= Number(threshold.value)))
    const words = { labels: labels.checked, scores: scores.checked }
    annotate(canvas, picture, shown, words).catch(fail)
    canvas.hidden = false
    save.disabled = false
    const summary = `${shown.length} ${shown.length === 1 ? "object" : "objects"}`
    canvas.setAttribute("aria-label", `${looked.name} with ${summary}`)
    say(`${summary} in ${found.milliseconds.total.toFixed(0)} ms on ${found.device}`)
    element("found").replaceChildren(...shown.map(rowOf))
  }
}

function rowOf({ label, score, box }: Detection): HTMLTableRowElement {
  const row = tableRow(label, score.toFixed(2), box.map((edge) => edge.toFixed(0)).join(", "))
  row.dataset.box = JSON.stringify(box)
  return row
}

function saveShown(): void {
  const { name } = looked!
  const isPng = /\.png$/i.test(name)
  canvas.toBlob(
    (blob) => {
      const link = document.createElement("a")
      link.href = URL.createObjectURL(blob!)
      link.download = `${name.replace(/\.[^.]*$/, "")}-boxes.${isPng ? "png" : "jpg"}`
      link.click()
      URL.revokeObjectURL(link.href)
    },
    isPng ? "image/png" : "image/jpeg",
    0.92,
  )
}

// Last: what it calls has to be there.
try {
  serve(await load())
} catch (error) {
  fail(error)
}
