import { spawn, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { findNative } from "../../../src/engine/native/cache.js"

const compiled = (path: string) => JSON.stringify(fileURLToPath(new URL(`../../../dist/src/${path}`, import.meta.url)))

const imports = `
  const { startEngine } = await import(${compiled("engine/start.js")})
  const tf = await import("@tensorflow/tfjs-core")
`

/** Products and a convolution as a detector has on its coarser levels and in its head; each result must be the first's. */
const products = `
  const { tensorflow } = await import(${compiled("engine/ops/convolution/tensorflow.js")})
  await startEngine("tensorflow")
  let handled = 0
  process.on("SIGWINCH", () => handled++)
  const shapes = [[1, 13, 17, 256], [1, 1, 256, 3], [1, 13, 17, 3], [221, 256], [256, 3], [128, 1024], [1024, 81]]
  const [x, filter, dy, a, b, vectors, layer] = shapes.map((shape) => tf.randomNormal(shape))
  const works = [
    () => tf.tidy(() => tensorflow.forward({ x, filter }, one, false)),
    () => tf.tidy(() => tensorflow.filterGradient(dy, x, filter.shape, one)),
    () => tf.conv2d(x, filter, 1, "valid"),
    () => tf.matMul(a, b),
    () => tf.matMul(vectors, layer),
  ]
  const one = { stride: 1, padding: 0 }
  console.log("ready")
  let wrong = 0
  for (const work of works) {
    const expected = work().dataSync()
    for (let k = 0; k < 1500; k++) {
      const result = work()
      if (result.dataSync().some((value, i) => value !== expected[i])) wrong++
      result.dispose()
      if (k % 100 === 0) await new Promise(setImmediate)
    }
  }
  console.log(JSON.stringify({ wrong, handled: handled > 100 }))
`

const longProduct = `
  const { writeSync } = await import("node:fs")
  await startEngine("tensorflow")
  const x = tf.ones([6000, 6000])
  x.dataSync()
  writeSync(1, "ready")
  tf.matMul(x, x).dataSync()
  writeSync(1, "done")
`

const threads = `
  const { readFileSync, readdirSync } = await import("node:fs")
  const held = (task) => BigInt("0x" + /SigBlk:\\s*(\\w+)/.exec(readFileSync("/proc/self/task/" + task + "/status", "utf8"))[1])
  const before = new Set(readdirSync("/proc/self/task"))
  await startEngine("tensorflow")
  tf.conv2d(tf.zeros([8, 64, 64, 64]), tf.zeros([3, 3, 64, 64]), 1, "same").dataSync()
  const made = readdirSync("/proc/self/task").filter((task) => !before.has(task))
  const { SIGINT, SIGTERM, SIGPROF, SIGWINCH, SIGUSR1 } = (await import("node:os")).constants.signals
  const all = [SIGINT, SIGTERM, SIGPROF, SIGWINCH, SIGUSR1].reduce((set, signal) => set | (1n << BigInt(signal - 1)), 0n)
  const taking = made.filter((task) => (held(task) & all) === 0n)
  const computing = made.filter((task) => (held(task) & all) === all)
  console.log(JSON.stringify({ taking: taking.length, others: made.length - taking.length - computing.length, main: Number(held(process.pid)) }))
`

// The addon that setup built: a plain install of tfjs-node has one that knows nothing of signals.
describe.runIf(findNative())("signals", () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "resdet-signals-"))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const argsOf = (program: string) => ["--input-type=module", "-e", imports + program]

  /** Sends signals, five every millisecond, from the child's first word on until it ends. */
  function underFire(args: string[], signal: NodeJS.Signals, env: Record<string, string>) {
    return new Promise<{ said: string; ended: number | string | null }>((resolve) => {
      const child = spawn(process.execPath, args, {
        env: { ...process.env, ...env },
        stdio: ["ignore", "pipe", "inherit"],
      })
      let said = ""
      let timer: NodeJS.Timeout | undefined
      const fire = () => {
        for (let k = 0; k < 5; k++) child.kill(signal)
      }
      child.stdout.on("data", (text) => {
        said += text
        timer ??= setInterval(fire, 1)
      })
      child.on("close", (code, killer) => {
        clearInterval(timer)
        resolve({ said, ended: killer ?? code })
      })
    })
  }

  // What oneDNN chooses differs by processor: a newer one plays an older one, and an older one takes what it has.
  it.each(["AVX2", "DEFAULT"])(
    "in the middle of products do no harm and arrive, with the kernels of %s",
    async (isa) => {
      // A profiler's signals hit the thread that computes, the others whichever thread takes them.
      const profiler = ["--cpu-prof", "--cpu-prof-interval", "100", "--cpu-prof-dir", folder]
      const { said, ended } = await underFire([...profiler, ...argsOf(products)], "SIGWINCH", {
        ONEDNN_MAX_CPU_ISA: isa,
      })
      expect([said, ended]).toEqual(['ready\n{"wrong":0,"handled":true}\n', 0])
    },
  )

  it("that nobody handles end the process at once, also in the middle of a product", async () => {
    expect(await underFire(argsOf(longProduct), "SIGTERM", {})).toEqual({ said: "ready", ended: "SIGTERM" })
  })

  it("are taken by the main thread and one of ours, never by one of TensorFlow's", () => {
    const { stdout } = spawnSync(process.execPath, argsOf(threads), { encoding: "utf8" })
    expect(JSON.parse(stdout)).toEqual({ taking: 1, others: 0, main: 0 })
  })
})
