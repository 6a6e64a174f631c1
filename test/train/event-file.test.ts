import { mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs"
import { expect, test } from "vitest"
import { crc32c, EventFile } from "../../src/train/event-file.js"
import { tempFolder } from "../datasets/samples.js"

interface Golden {
  readonly events: readonly (readonly [step: number, values: Readonly<Record<string, number>>])[]
  readonly file: string
}

test("the file is byte for byte what TensorBoard's own writer makes; values that are not finite are left out", () => {
  const { events, file } = JSON.parse(readFileSync("test/golden/events.json", "utf8")) as Golden
  const written = new EventFile(`${tempFolder()}/tensorboard`, () => 1700000000.5)
  for (const [step, values] of events) written.scalars(step, { ...values, none: Number.NaN })
  written.scalars(30, { none: Number.POSITIVE_INFINITY })
  expect(readFileSync(written.path).toString("base64")).toBe(file)
})

test("nothing is written through a link", () => {
  const folder = tempFolder()
  mkdirSync(`${folder}/elsewhere`)
  symlinkSync("elsewhere", `${folder}/tensorboard`)
  expect(() => new EventFile(`${folder}/tensorboard`)).toThrow("is a link, and nothing is written through links")
  expect(readdirSync(`${folder}/elsewhere`)).toEqual([])
})

test("checksums are CRC-32C", () => {
  expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283)
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa)
})

test("each process has a file of its own, named as TensorBoard looks for it", () => {
  const folder = tempFolder()
  new EventFile(folder, () => 5)
  new EventFile(folder, () => 6)
  expect(readdirSync(folder).map((name) => /^events\.out\.tfevents\.\d+\..+\.v2$/.test(name))).toEqual([true, true])
})
