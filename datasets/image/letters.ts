import { eachDot, hasLetters, letterHeight, letterStep } from "./font.js"
import { loadSharp } from "./sharp.js"

/** A line of text as ink: 0 nothing, 255 all. */
export interface Ink {
  readonly width: number
  readonly height: number
  /** `[height * width]` */
  readonly data: Uint8Array
}

/**
 * A line of text. Letters of ASCII are ours, so that pictures look alike on all machines, those without fonts too; a text
 * with others is drawn by the machine's fonts, where sharp runs, else each letter that we lack is a frame.
 * @param dot size of one of our dots in pixels; a line is 9 dots high
 */
export async function inkOf(text: string, dot: number): Promise<Ink> {
  return (hasLetters(text) ? undefined : await ofFonts(text, dot)) ?? ofDots(text, dot)
}

function ofDots(text: string, dot: number): Ink {
  const [width, height] = [[...text].length * letterStep * dot, letterHeight * dot]
  const data = new Uint8Array(width * height)
  eachDot(text, (x, y) => {
    for (let v = y * dot; v < (y + 1) * dot; v++) data.fill(255, v * width + x * dot, v * width + (x + 1) * dot)
  })
  return { width, height, data }
}

/** In points, at which 72 dots an inch are a pixel each. */
const fontSize = 10

async function ofFonts(text: string, dot: number): Promise<Ink | undefined> {
  const sharp = await loadSharp()
  const escaped = text.replace(/[&<]/g, (letter) => (letter === "&" ? "&amp;" : "&lt;"))
  const dpi = Math.round((72 * letterHeight * dot) / fontSize)
  const line = sharp?.({ text: { text: escaped, font: `sans ${fontSize}`, dpi, rgba: false } })
  try {
    const drawn = await line?.extractChannel(0).raw().toBuffer({ resolveWithObject: true })
    return drawn && { width: drawn.info.width, height: drawn.info.height, data: drawn.data }
  } catch {
    // A text without ink, such as a line of spaces of some script.
    return undefined
  }
}
