/**
 * Checks for a sceptic, as one table: what resdet finds and scores beside torchvision, pycocotools and the rules of VOC and
 * ImageNet DET written again in Python. Each check is a script of this folder that can be run alone.
 * `npm run verify -- --peer PYTHON [--photos FOLDER]... [--weights W.safetensors]... [--annotations A.json --images FOLDER]
 * [--published P.pth --model fasterrcnn_resnet50_fpn] [--cases 300] [--count 24]`
 * PYTHON has torch, torchvision, safetensors, pycocotools, numpy and Pillow. `--weights` are one detector that resdet trained, or
 * two of the same classes, which also make the ensemble; without them those of detections are made up. `--published` is a file
 * of a detector of torchvision's, as it publishes them. The switches of test time, ten looks at a photo in two precisions, take a
 * fourth of the photos. What the checks say goes to stderr as it comes, the table to stdout. Ends with 1 where a check fails.
 */
import { log } from "../../src/cli/report.js"
import { notThere, run } from "../../src/setup/programs.js"
import { parseFlags } from "../flags.js"

const { values } = parseFlags({
  options: {
    peer: { type: "string", default: "python3" },
    photos: { type: "string", multiple: true, default: [] },
    weights: { type: "string", multiple: true, default: [] },
    annotations: { type: "string" },
    images: { type: "string" },
    published: { type: "string" },
    model: { type: "string" },
    cases: { type: "string", default: "300" },
    count: { type: "string", default: "24" },
  },
})

/** Flags that have values: `--name value...` each. */
const flags = (named: Readonly<Record<string, string | readonly string[] | undefined>>) =>
  Object.entries(named).flatMap(([name, value]) => {
    const given = value === undefined ? [] : [value].flat()
    return given.length === 0 ? [] : [`--${name}`, ...given]
  })

type Check = readonly [what: string, script: string, args: readonly string[]]

const { photos, annotations, images, published, model, cases, count } = values
const [weights] = values.weights
const fewer = String(Math.ceil(Number(count) / 4))
const checks: readonly Check[] = [
  ["VOC's AP", "scripts/verify/voc.py", [cases]],
  ["ImageNet DET's AP", "scripts/golden-eval-protocols.py", ["det", cases]],
  ["boxes beside torchvision", "scripts/verify/detections.py", flags({ count, photos, weights })],
  ...(published
    ? [
        [
          "boxes of published weights",
          "scripts/verify/detections.py",
          flags({ count, photos, weights: published, model }),
        ] satisfies Check,
      ]
    : []),
  ["switches of test time", "scripts/verify/test_time.py", flags({ count: fewer, photos, weights: values.weights })],
  ...(weights && annotations && images
    ? [
        [
          "COCO's twelve figures",
          "scripts/verify/coco.py",
          flags({ weights, annotations, photos: images, count }),
        ] satisfies Check,
      ]
    : []),
]

/** Runs a check to its end. Of what it said the last line counts. */
async function outcomeOf([what, script, args]: Check) {
  log(`${what}: ${script}`)
  const told = { onLine: log, env: { PYTHONUNBUFFERED: "1" } }
  const { code, output, stdout } = await run(values.peer, [script, ...args], told)
  const last = (text: string) => text.trimEnd().split("\n").at(-1)
  const found = last(stdout)
  const said = found || (code !== notThere && last(output)) || `${values.peer} does not run, or says nothing`
  return { what, script, holds: code === 0 && found !== "", said }
}

const rows = []
for (const check of checks) rows.push(await outcomeOf(check))
const lines = rows.map(({ what, script, holds, said }) => `| ${what} | ${holds ? "yes" : "NO"} | ${said} | ${script} |`)
process.stdout.write(["| check | holds | what was found | script |", "|---|---|---|---|", ...lines, ""].join("\n"))
if (rows.some(({ holds }) => !holds)) process.exitCode = 1
