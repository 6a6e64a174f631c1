import { spawnSync } from "node:child_process"
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { encodeImage } from "../../datasets/image/encode.js"
import type { RgbImage } from "../../datasets/image/rgb.js"
import { UserError } from "../../src/core/errors.js"
import { openImageSource } from "../../src/predict/image-source.js"
import { decodePixels } from "../../src/predict/images.js"
import { videoInput } from "../../src/predict/video-frames.js"
import { VideoWriter } from "../../src/predict/video-writer.js"
import { type DetectParts, detectWith } from "../../src/tasks/detect-folder.js"
import { dummyDetector } from "../support/dummy-detector.js"

let folder = ""
let clip = ""
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "resdet-video-"))
  clip = join(folder, "clip.mp4")
  writeFileSync(clip, "")
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})

/** A bitmap of two grey pixels. */
function bitmap(grey: number): Buffer {
  const bytes = Buffer.alloc(62)
  bytes.write("BM")
  bytes.writeUInt32LE(62, 2)
  bytes.writeUInt32LE(54, 10)
  for (const [at, value] of [
    [14, 40],
    [18, 2],
    [22, 1],
  ] as const)
    bytes.writeInt32LE(value, at)
  bytes.writeUInt16LE(1, 26)
  bytes.writeUInt16LE(24, 28)
  bytes.fill(grey, 54, 60)
  return bytes
}

/**
 * Puts programs called ffmpeg and ffprobe before all others: reading, the one runs `read` and then gives the bytes of three frames in
 * pieces; writing, it keeps what it was given.
 */
function fakeFfmpeg(read = "") {
  const frames = Buffer.concat([1, 2, 3].map((k) => bitmap(50 * k))).toString("base64")
  const program = (name: string, code: string) => {
    writeFileSync(
      join(folder, name),
      `#!${process.execPath}\nconst fs = require("node:fs"), args = process.argv.slice(2)\n${code}`,
    )
    chmodSync(join(folder, name), 0o755)
  }
  program("ffprobe", `console.log('{"streams":[{"avg_frame_rate":"3/2"}],"format":{"duration":"2.0"}}')`)
  program(
    "ffmpeg",
    `fs.writeFileSync("${folder}/pid", String(process.pid))
    if (args.at(-1) !== "-") fs.writeFileSync(args.at(-1), fs.readFileSync(0))
    else {
      ${read}
      const all = Buffer.from("${frames}", "base64")
      process.stdout.write(all.subarray(0, 65), () => process.stdout.write(all.subarray(65)))
    }`,
  )
  vi.stubEnv("PATH", `${folder}${delimiter}${process.env.PATH}`)
}

const parts: DetectParts = {
  openNetwork: async () => dummyDetector(),
  decode: decodePixels,
  draw: async ({ data }: RgbImage, detections) => Buffer.from(`[${data[0]} ${detections.length}]`),
  encode: async () => new Uint8Array(1),
}
const detect = (options: object = {}) =>
  detectWith(parts, { weights: "w", source: clip, out: join(folder, "out"), ...options })

test.each([
  ["a/b.MP4", ["-i", "file:a/b.MP4"]],
  ["rtsp://camera/1", ["-rtsp_transport", "tcp", "-i", "rtsp://camera/1"]],
  ["https://host/live.m3u8?key=1", ["-i", "https://host/live.m3u8?key=1"]],
  ["/dev/video1", ["-f", "v4l2", "-i", "/dev/video1"]],
  ["0", ["-f", "v4l2", "-i", "/dev/video0"]],
  ["a.jpg", undefined],
  ["https://host/a.jpg", undefined],
  ["photos", undefined],
])("what %s is to ffmpeg", (source, input) => {
  expect(videoInput(source, "linux")).toEqual(input)
})

test("a camera is asked for as its system has it", () => {
  expect(videoInput("1", "darwin")).toEqual(["-f", "avfoundation", "-framerate", "30", "-i", "1:none"])
  expect(videoInput("video=USB Camera", "win32")).toEqual(["-f", "dshow", "-i", "video=USB Camera"])
  expect(videoInput("video=USB Camera", "linux")).toBe(undefined)
  expect(() => videoInput("0", "win32")).toThrow('a camera of Windows has a name: give --source "video=<name>"')
})

test("a video's frames are images with their number and second, about as many as its length says", async () => {
  fakeFfmpeg()
  const source = await openImageSource(clip)
  expect([source.rate, source.count(() => true)]).toEqual(["3/2", 3])
  const frames = []
  for await (const { bytes, ...frame } of source) frames.push([frame, (await decodePixels(bytes!)).data[0]])
  const image = (frame: number) => {
    const path = `clip.mp4/00000${frame}`
    return { file: "", path, stem: path, frame, time: frame / 1.5 }
  }
  expect(frames).toEqual([
    [image(0), 50],
    [image(1), 100],
    [image(2), 150],
  ])
  expect((await openImageSource(clip, { fps: 4 })).count(() => true)).toBe(8)
})

test("the frames' boxes are drawn into one video, and the log tells frame and second", async () => {
  fakeFfmpeg()
  const result = await detect({ score: 0, format: ["csv"] })
  expect(result).toMatchObject({ images: 3, objects: { dog: 3, cat: 3 }, video: join(folder, "out/detections.mp4") })
  expect(readFileSync(join(folder, "out/detections.mp4"), "utf8")).toBe("[50 2][100 2][150 2]")
  expect(readdirSync(join(folder, "out")).sort()).toEqual([
    "detect.json",
    "detections.csv",
    "detections.jsonl",
    "detections.mp4",
  ])
  const lines = readFileSync(join(folder, "out/detections.jsonl"), "utf8").trim().split("\n")
  expect(JSON.parse(lines[2]!)).toMatchObject({
    image: "clip.mp4/000002",
    frame: 2,
    time: 2 / 1.5,
    width: 2,
    height: 1,
  })
  expect(result.canResume).toBe(false)
  await expect(detect()).rejects.toThrow("nothing is overwritten")
  await expect(detect({ resume: true })).rejects.toThrow("--resume and --shard of a video need --no-draw")
  const plain = await detect({ draw: false, out: join(folder, "plain") })
  expect([plain.video, existsSync(join(folder, "plain/detections.mp4"))]).toEqual([null, false])
  expect(plain.canResume).toBe(true)
  const streamed: string[] = []
  await detectWith(parts, { weights: "w", source: clip, out: "-", score: 0 }, { onLine: (line) => streamed.push(line) })
  expect(streamed).toEqual(lines)
})

test("a machine without ffmpeg, a broken video and --fps of no video are told in one line", async () => {
  await expect(openImageSource(join(folder, "none.mp4"))).rejects.toThrow(
    "no such file or folder. Expected an image, a video",
  )
  await expect(openImageSource(folder, { fps: 2 })).rejects.toThrow(`--fps is for a video, which ${folder} is not`)
  fakeFfmpeg(`console.error("frame=0\\nclip: moov atom not found"); process.exit(1)`)
  await expect(detect()).rejects.toThrow(`${clip}: ffmpeg cannot read it: clip: moov atom not found`)
  vi.stubEnv("PATH", "/nowhere")
  await expect(detect()).rejects.toThrow(`${clip}: a video needs ffprobe, which is not on the PATH. Install ffmpeg: `)
})

test("ffmpeg does not live on where the frames are not wanted", async () => {
  fakeFfmpeg("setInterval(() => {}, 1000)")
  const failing = { ...parts, openNetwork: () => Promise.reject(new UserError("no such weights")) }
  await expect(detectWith(failing, { weights: "w", source: clip })).rejects.toThrow("no such weights")
  const pid = Number(readFileSync(join(folder, "pid"), "utf8"))
  await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow("ESRCH"), 5000)
})

test.skipIf(spawnSync("ffmpeg", ["-version"]).status !== 0)(
  "where ffmpeg is installed, a video that was written is read again, frame by frame",
  async () => {
    const path = join(folder, "made.mp4")
    {
      using writer = new VideoWriter(path, "5")
      for (let k = 0; k < 4; k++) {
        const data = new Uint8Array(3 * 33 * 17).fill(60 * k)
        await writer.write(await encodeImage({ data, width: 33, height: 17 }))
      }
      await writer.finish()
    }
    const seen: [time: number | undefined, width: number, grey: number][] = []
    for await (const { bytes, time } of await openImageSource(path)) {
      const { width, data } = await decodePixels(bytes!)
      seen.push([time, width, data[0]!])
    }
    expect(seen.map(([time, width]) => [time, width])).toEqual([0, 0.2, 0.4, 0.6].map((time) => [time, 34]))
    for (const [k, [, , grey]] of seen.entries()) expect(Math.abs(grey - 60 * k)).toBeLessThan(12)
    expect(readdirSync(folder).filter((name) => name.endsWith(".part.mp4"))).toEqual([])
  },
)
