import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { unzipSync, zipSync } from "fflate"
import { afterAll, expect, test } from "vitest"
import { ResNet } from "../../src/backbone/classifier.js"
import { cifarSpec } from "../../src/backbone/networks.js"
import { Parameters, Scope } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { startEngine } from "../../src/engine/start.js"
import { loadReport } from "../../src/weights/fit.js"
import { loadWeights } from "../support/load-weights.js"
import { sharedData, withoutSharedData } from "../support/shared-data.js"
import { torchTensors } from "../support/stored-file.js"

const folder = mkdtempSync(join(tmpdir(), "resdet-torch-"))
afterAll(() => rmSync(folder, { recursive: true }))
const golden = (kind: string) => `test/golden/torch-${kind}.pth`

function write(bytes: Uint8Array): string {
  const path = join(folder, "crafted.pth")
  writeFileSync(path, bytes)
  return path
}
const zipped = (pickle: Buffer) => write(zipSync({ "a/data.pkl": pickle }, { level: 0 }))

test.each(["zip", "legacy"])("a %s checkpoint gives its state dict's tensors, views and all", (kind) => {
  const tensors = torchTensors(golden(kind))
  const plain = [...tensors].map(([name, { shape, values }]) => [name, shape, [...values]])
  expect(plain).toEqual([
    ["module.conv1.weight", [2, 3, 2, 2], Array.from({ length: 24 }, (_, at) => at)],
    ["module.view", [6], [4, 5, 6, 7, 8, 9]],
    ["module.turned", [3, 2], [0, 3, 1, 4, 2, 5]],
    ["module.half", [2], [0.5, -2]],
    ["module.parameter", [1], [1.5]],
    ["module.bn1.num_batches_tracked", [], [7]],
  ])
  expect(loadWeights(golden(kind)).get("conv1.weight")!.shape).toEqual([2, 2, 3, 2])
})

test.each(["zip", "legacy"])("a %s checkpoint cut off anywhere is refused in one line", (kind) => {
  const whole = readFileSync(golden(kind))
  for (let length = 0; length < whole.length; length += 1 + (whole.length >> 6)) {
    const path = write(whole.subarray(0, length))
    expect(() => torchTensors(path)).toThrow(new RegExp(`^${path}: `))
  }
})

test.each([
  [
    "os.system called",
    "cos\nsystem\n(X\u0004\u0000\u0000\u0000exittR.",
    "a whole object of os.system, whose code is not run",
  ],
  ["an object built by a class", "c__builtin__\neval\n)\u0081.", "a whole object of __builtin__.eval"],
  ["an old-style instance", "(ios\nsystem\n.", "a whole object of os.system"],
  ["a text called", "X\u0001\u0000\u0000\u0000a)R.", "a call of what is no class or function"],
  [
    "a list of many copies",
    `(${"K\u0001K\u0002\u0086".repeat(200)}lq\u0000ccollections\nOrderedDict\nq\u0001${"h\u0001h\u0000\u0085R".repeat(1000)}.`,
    "many times as large",
  ],
  ["a storage of no known kind", "X\u0001\u0000\u0000\u0000aQ.", "a storage is not described"],
  ["no stack", "R.", "an empty stack"],
  ["a list instead of a table", "].", "holds no table of tensors"],
  ["a table without tensors", "}.", "holds no tensors"],
])("%s is refused", (_, pickle, message) => {
  const path = zipped(Buffer.from(pickle, "latin1"))
  expect(() => torchTensors(path)).toThrow(path)
  expect(() => torchTensors(path)).toThrow(message)
})

test.each([
  // Opcodes of the first tensor's shape (2, 3, 2, 2), and of the view's offset 4 and shape (6).
  ["by its shape", "K\u0002K\u0003K\u0002K\u0002t"],
  ["by its offset", "K\u0004K\u0006\u0085"],
])("a tensor that reaches beyond its storage %s is refused", (_, opcodes) => {
  const bytes = readFileSync(golden("legacy"))
  const at = bytes.indexOf(Buffer.from(opcodes, "latin1"))
  expect(at).toBeGreaterThan(0)
  bytes[at + 1] = 200
  expect(() => torchTensors(write(bytes))).toThrow("a tensor reaches beyond its storage")
})

test("a tensor that repeats one number without end is refused", () => {
  const bytes = readFileSync(golden("legacy"))
  const at = bytes.indexOf(Buffer.from("K\u0004K\u0006\u0085", "latin1"))
  const stride = bytes.indexOf(Buffer.from("K\u0001\u0085", "latin1"), at)
  bytes[at + 3] = 200
  bytes[stride + 1] = 0
  // Its first number 255 times is an expanded tensor, as torch saves it; more than the file could hold is not.
  bytes[at + 3] = 255
  expect(torchTensors(write(bytes)).find(([name]) => name === "module.view")?.[1].values).toHaveLength(255)
  bytes[at + 2] = 0x4a
  expect(() =>
    torchTensors(write(Buffer.concat([bytes.subarray(0, at + 3), Buffer.from([0, 0, 0, 64]), bytes.subarray(at + 4)]))),
  ).toThrow(/names tensors of \d+ bytes, and has \d+$/)
})

test("an archive with two pickles is refused: readers would differ in which they take", () => {
  const whole = unzipSync(readFileSync(golden("zip")))
  const pickle = Object.entries(whole).find(([name]) => name.endsWith("/data.pkl"))![1]
  expect(() => torchTensors(write(zipSync({ ...whole, "b/data.pkl": pickle })))).toThrow("several data.pkl")
})

test("a compressed archive is read, one that grows without measure and a file of another kind are refused", () => {
  const whole = unzipSync(readFileSync(golden("zip")))
  expect(torchTensors(write(zipSync(whole, { level: 9 })))).toEqual(torchTensors(golden("zip")))
  const bomb = { "a/data.pkl": new Uint8Array(8 << 20) }
  expect(() => torchTensors(write(zipSync(bomb, { level: 9 })))).toThrow(/it holds 8388608 bytes in \d+\)$/)
  expect(() => torchTensors(write(Buffer.from("hello")))).toThrow("not a PyTorch file")
  expect(() => torchTensors(join(folder, "none.pth"))).toThrow("none.pth: no such file")
})

test.skipIf(withoutSharedData)("a published CIFAR checkpoint fills the network of its depth", async () => {
  await startEngine()
  const rename = (name: string) => name.replace(/^linear\./, "fc.")
  const weights = loadWeights(sharedData("weights/resnet20-12fca82f.th"), { rename })
  const parameters = new Parameters(seededRandom(1), weights)
  new ResNet(new Scope(parameters), cifarSpec(20, { zeros: "both" }))
  const { initialised, mismatched, unused } = loadReport(parameters)
  expect({ initialised, mismatched, unused }).toEqual({ initialised: [], mismatched: [], unused: [] })
  parameters.dispose()
})
