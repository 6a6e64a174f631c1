// A page that finds objects in a photo; nothing leaves the machine. `npm i resdet onnxruntime-web vite`, put a detector.onnx that
// `resdet export` wrote into a folder public/ beside these files, and run `npx vite`, or `npx vite build` for files to serve.
import { annotate, loadDetector } from "resdet/web"

const [input, status, canvas] = ["input", "[role=status]", "canvas"].map((name) => document.querySelector(name))
const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" })
const detector = await loadDetector("./detector.onnx", {
  worker,
  onProgress({ loaded, total }) {
    status.textContent = `${(loaded / 1e6).toFixed(0)} of ${total ? (total / 1e6).toFixed(0) : "?"} MB`
  },
})
status.textContent = `${detector.model}, ${detector.classes.length} classes, on ${detector.device}`

input.addEventListener("change", async () => {
  const [photo] = input.files
  const { detections, milliseconds } = await detector.detect(photo, { score: detector.bestScore ?? 0.5 })
  await annotate(canvas, photo, detections)
  status.textContent = `${detections.length} objects in ${milliseconds.total.toFixed(0)} ms`
})
