import { readFileSync } from "node:fs"
import { expect, test } from "vitest"
import { decodeImage } from "../../../datasets/image/decode.js"
import { imageFileSize } from "../../../datasets/image/file-size.js"
import { readHeader, withoutOrientation } from "../../../datasets/image/header.js"

const { cases } = JSON.parse(readFileSync("test/golden/photos.json", "utf8")) as {
  readonly cases: readonly { name: string; file: string; width: number; height: number; rgb: string }[]
}

/** What two JPEG decoders differ by; the other formats have one result. */
const jpegBound = { sharp: 1, javascript: 3 } as const

/** Those that need no native code. */
const portable = /^(jpeg|png|bmp|.*jpeg|.*png)/

for (const { name, file, width, height, rgb } of cases) {
  const [bytes, expected] = [file, rgb].map((text) => Buffer.from(text, "base64")) as [Buffer, Buffer]
  test.each(portable.test(name) ? (["sharp", "javascript"] as const) : (["sharp"] as const))(
    `${name} has Pillow's pixels with %s`,
    async (decoder) => {
      const image = await decodeImage(bytes, { decoder })
      expect([image.width, image.height, image.truncated]).toEqual([width, height, false])
      const worst = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - image.data[i]!)), 0)
      expect(worst).toBeLessThanOrEqual(name.includes("jpeg") ? jpegBound[decoder] : 0)
    },
  )

  test(`the header of ${name} tells its size upright`, async () => {
    expect(await imageFileSize(bytes)).toMatchObject({ width, height })
    expect(readHeader(bytes), "without sharp").toBeDefined()
  })
}

test("no orientation is left where it is taken out, of whatever type its tag is", () => {
  for (const { name, file } of cases.filter((one) => one.name.startsWith("jpeg, "))) {
    expect(readHeader(withoutOrientation(Buffer.from(file, "base64")))!.orientation, name).toBe(1)
  }
})
