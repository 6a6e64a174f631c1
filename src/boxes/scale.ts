import type { Detections } from "./boxes.js"

/** Detections from input pixels to image pixels; input pixels = image pixels * scale. */
export function toImagePixels(
  { boxes, scores, labels }: Detections,
  { scaleX, scaleY }: { readonly scaleX: number; readonly scaleY: number },
): Detections {
  return { boxes: boxes.map((value, at) => value / (at % 2 === 0 ? scaleX : scaleY)), scores, labels }
}
