import { type Colour, inkOn, labelColour } from "../../datasets/image/label-colour.js"
import type { Detection } from "../predict/detection.js"
import { openDrawable, type PictureSource } from "./drawable.js"

export interface AnnotateOptions {
  /** Of the frames, in pixels of the picture; left out: grows with it. */
  readonly lineWidth?: number
  /** Whether classes are written at the boxes. */
  readonly labels?: boolean
  /** Whether scores are. */
  readonly scores?: boolean
}

/**
 * Draws a picture with its detections, the best on top; the canvas gets the picture's size.
 * @param source may be the canvas itself
 * @throws as `detect`, when the source cannot be read
 */
export async function annotate(
  canvas: HTMLCanvasElement | OffscreenCanvas,
  source: PictureSource,
  detections: readonly Detection[],
  { lineWidth, labels = true, scores = true }: AnnotateOptions = {},
): Promise<void> {
  const { picture, width, height, close } = await openDrawable(source)
  const context = canvas.getContext("2d") as CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D
  if (picture !== canvas) {
    Object.assign(canvas, { width, height })
    if (picture instanceof ImageData) context.putImageData(picture, 0, 0)
    else context.drawImage(picture, 0, 0, width, height)
  }
  close()
  const line = lineWidth ?? Math.max(1, Math.round(Math.min(width, height) / 240))
  const worstFirst = [...detections].reverse()
  context.lineWidth = line
  context.lineJoin = "round"
  for (const { box, classId } of worstFirst) {
    const [x1, y1, x2, y2] = box
    context.strokeStyle = css(labelColour(classId))
    context.strokeRect(x1, y1, x2 - x1, y2 - y1)
  }
  // All texts over all frames: a frame through a word makes it unreadable.
  const letters = Math.max(12, 6 * line)
  context.font = `600 ${letters}px system-ui, sans-serif`
  context.textBaseline = "middle"
  for (const { box, label, classId, score } of worstFirst) {
    const words = [...(labels ? [label] : []), ...(scores ? [score.toFixed(2)] : [])].join(" ")
    if (words !== "") caption(context, words, { box, letters, colour: labelColour(classId) })
  }
}

/** Words on a ground of the class's colour, above the box, or inside where there is no room. */
function caption(
  context: CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D,
  words: string,
  { box, letters, colour }: { readonly box: Detection["box"]; readonly letters: number; readonly colour: Colour },
): void {
  const [width, height] = [context.measureText(words).width + letters / 2, 1.4 * letters]
  const left = Math.max(0, Math.min(box[0], context.canvas.width - width))
  const top = box[1] >= height ? box[1] - height : Math.max(0, Math.min(box[1], context.canvas.height - height))
  context.fillStyle = css(colour)
  context.fillRect(left, top, width, height)
  context.fillStyle = css(inkOn(colour))
  context.fillText(words, left + letters / 4, top + height / 2)
}

const css = ([red, green, blue]: Colour): string => `rgb(${red} ${green} ${blue})`
