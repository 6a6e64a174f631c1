import { existsSync } from "node:fs"
import { basename, extname } from "node:path"
import { text } from "node:stream/consumers"
import { DataError, UsageError } from "../core/errors.js"
import { safeNames } from "../core/safe-names.js"
import { startFfmpeg } from "./ffmpeg.js"
import type { SourceImage } from "./source-image.js"

/** A video file or a stream, as images one after the other. */
export interface Video extends AsyncIterable<SourceImage> {
  /** Frames a second, as ffmpeg writes a number, such as `30000/1001`. */
  readonly rate: string
  /** About so many frames; undefined where it has no end that is known. */
  readonly frames: number | undefined
}

const endings = new Set(
  ".mp4 .m4v .mov .mkv .webm .avi .wmv .flv .mpg .mpeg .mts .m2ts .ts .3gp .ogv .m3u8 .mjpeg .mjpg".split(" "),
)

/**
 * How ffmpeg is told where the frames come from; undefined for what is no video.
 * @throws UsageError for a camera by its number where cameras have names alone
 */
export function videoInput(
  source: string,
  platform: NodeJS.Platform = process.platform,
): readonly string[] | undefined {
  const camera = existsSync(source) && /^\d+$/.test(source) ? undefined : cameraInput(source, platform)
  if (camera !== undefined) return camera
  if (/^rtsps?:\/\//i.test(source)) return ["-rtsp_transport", "tcp", "-i", source]
  if (/^(rtmps?|rtp|udp|tcp|srt|mms):\/\//i.test(source)) return ["-i", source]
  const path = /^https?:\/\//i.test(source) ? new URL(source).pathname : source
  if (!endings.has(extname(path).toLowerCase())) return undefined
  // Of a file ffmpeg would take what stands before a colon for a protocol.
  return ["-i", path === source ? `file:${source}` : source]
}

/** Whether frames come as they are made: from a camera. */
export const isCamera = (input: readonly string[]): boolean => input[0] === "-f"

/**
 * @source ffmpeg's manual of input devices. macOS: without a rate ffmpeg asks for 29.97 a second, which cameras refuse; `none` is
 * the microphone. Windows: a camera has a name.
 */
function cameraInput(source: string, platform: NodeJS.Platform): readonly string[] | undefined {
  const [, path, number = path] = /^(?:\/dev\/video(\d+)|(\d+))$/.exec(source) ?? []
  if (platform === "win32") {
    if (/^video=./.test(source)) return ["-f", "dshow", "-i", source]
    if (number === undefined) return undefined
    throw new UsageError(
      `--source ${source}: a camera of Windows has a name: give --source "video=<name>". ffmpeg -list_devices true -f dshow -i dummy tells the names`,
    )
  }
  if (number === undefined) return undefined
  if (platform === "darwin") return ["-f", "avfoundation", "-framerate", "30", "-i", `${number}:none`]
  return ["-f", "v4l2", "-i", `/dev/video${number}`]
}

/**
 * Opens a video with ffmpeg, which decodes it as its frames are asked for.
 * @param input of `videoInput`
 * @param fps how many frames of a second are wanted; the video's own rate when left out
 * @throws UserError where ffmpeg is not installed; DataError where it cannot read the video
 */
export async function openVideo(source: string, input: readonly string[], fps?: number): Promise<Video> {
  const what = `${source}: a video`
  const { rate, seconds } = await probe(source, input, what)
  const wanted = fps === undefined ? rate : String(fps)
  if (wanted === undefined) throw new UsageError(`${source} does not tell how many frames a second has: give --fps`)
  const perSecond = perSecondOf(wanted)!
  const [name = ""] = safeNames([basename(source.replace(/[?#].*$/, "")) || "stream"])
  return {
    rate: wanted,
    frames: seconds === undefined ? undefined : Math.round(seconds * perSecond),
    async *[Symbol.asyncIterator]() {
      const filter = [
        "-map",
        "0:v:0",
        "-vf",
        `fps=${wanted}`,
        "-pix_fmt",
        "bgr24",
        "-c:v",
        "bmp",
        "-f",
        "image2pipe",
        "-",
      ]
      const { child, failure } = startFfmpeg("ffmpeg", ["-v", "error", "-nostdin", ...input, ...filter], "ignore", what)
      let frame = 0
      try {
        for await (const bytes of bitmaps(child.stdout!)) {
          const path = `${name}/${String(frame).padStart(6, "0")}`
          yield { file: "", bytes, path, stem: path, frame, time: frame++ / perSecond }
        }
        const reason = await failure
        if (reason !== undefined) throw new DataError(`${source}: ffmpeg cannot read it: ${reason}`)
      } finally {
        child.kill()
      }
    },
  }
}

/** What a video tells of its rate and length. */
async function probe(source: string, input: readonly string[], what: string) {
  const entries = ["-select_streams", "v:0", "-show_entries", "stream=avg_frame_rate:format=duration", "-of", "json"]
  const { child, failure } = startFfmpeg("ffprobe", ["-v", "error", ...entries, ...input], "ignore", what)
  const [said, reason] = await Promise.all([text(child.stdout!), failure])
  if (reason !== undefined) throw new DataError(`${source}: ffmpeg cannot read it: ${reason}`)
  const { streams, format } = JSON.parse(said) as {
    streams?: { avg_frame_rate?: string }[]
    format?: { duration?: string }
  }
  if (streams?.[0] === undefined) throw new DataError(`${source}: it has no pictures`)
  const { avg_frame_rate: rate } = streams[0]
  const seconds = Number(format?.duration)
  return {
    rate: perSecondOf(rate ?? "") === undefined ? undefined : rate,
    seconds: seconds > 0 ? seconds : undefined,
  }
}

/** `30000/1001` as a number; undefined for none, and for `0/0`. */
function perSecondOf(rate: string): number | undefined {
  const [count, seconds = 1] = rate.split("/").map(Number) as [number, number?]
  return count / seconds > 0 && Number.isFinite(count / seconds) ? count / seconds : undefined
}

/** Bitmap files that follow each other in a stream: each tells its length in bytes 2 to 5. */
async function* bitmaps(stream: NodeJS.ReadableStream): AsyncGenerator<Uint8Array> {
  let chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    size += chunk.length
    while (size >= 6) {
      if (chunks[0]!.length < 6) chunks = [Buffer.concat(chunks)]
      const length = chunks[0]!.readUInt32LE(2)
      if (size < length) break
      const all = Buffer.concat(chunks)
      yield all.subarray(0, length)
      chunks = [all.subarray(length)]
      size -= length
    }
  }
}
