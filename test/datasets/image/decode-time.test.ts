import { expect, test, vi } from "vitest"
import { decodeDefaults, decodeImage } from "../../../datasets/image/decode.js"
import { png } from "../samples.js"

const asked: object[] = []
let decoded = 0

/** A sharp that is stopped while it decodes. */
vi.mock("../../../datasets/image/sharp.js", () => {
  const image = {
    timeout(options: object) {
      asked.push(options)
      return image
    },
    metadata: async () => ({ width: 4, height: 4, format: "png" }),
    toColourspace: () => image,
    removeAlpha: () => image,
    raw: () => image,
    async toBuffer() {
      decoded++
      throw new Error("timeout: 37% complete")
    },
  }
  return { loadSharp: async () => () => image }
})

test("an image that takes too long is unreadable, and is not tried again", async () => {
  await expect(decodeImage(png(4, 4))).rejects.toMatchObject({
    kind: "unreadable-image",
    message: "it takes too long to decode",
  })
  expect(decoded).toBe(1)
  expect(asked.at(-1)).toEqual({ seconds: decodeDefaults.seconds })
})
