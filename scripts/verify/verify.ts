/**
 * Checks for a sceptic, as one table: what resdet finds and scores beside torchvision, pycocotools and the rules of VOC and
 * ImageNet DET written again in Python. Each check is a script of this folder that can be run alone.
 * `npm run verify -- --peer PYTHON [--photos FOLDER] [--weights W.safetensors --annotations A.json] [--cases 300] [--count 24]`
 * PYTHON has torch, torchvision, safetensors, pycocotools, numpy and Pillow. Without `--weights`, those of detections are made up.
 * Ends with 1 where a check fails.
 */
import { spawnSync } from "node:child_process"
import { parseFlags } from "../flags.js"

const { values } = parseFlags({
  options: {
    peer: { type: "string", default: "python3" },
    photos: { type: "string" },
    weights: { type: "string" },
    annotations: { type: "string" },
    cases: { type: "string", default: "300" },
    count: { type: "string", default: "24" },
  },
})

const flags = (named: Readonly<Record<string, string | undefined>>) =>
  Object.entries(named).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value]))

const { photos, weights, annotations, cases, count } = values
const checks: readonly (readonly [what: string, script: string, args: readonly string[]])[] = [
  ["VOC's AP", "scripts/verify/voc.py", [cases]],
  ["ImageNet DET's AP", "scripts/golden-eval-protocols.py", ["det", cases]],
  ["boxes beside torchvision", "scripts/verify/detections.py", flags({ count, photos, weights })],
  ...(weights && annotations && photos
    ? [["COCO's twelve figures", "scripts/verify/coco.py", flags({ weights, annotations, photos, count })] as const]
    : []),
]

const rows = checks.map(([what, script, args]) => {
  const { status, stdout, stderr } = spawnSync(values.peer, [script, ...args], { encoding: "utf8" })
  const last = (text: string | null) => (text ?? "").trimEnd().split("\n").at(-1)
  return { what, script, holds: status === 0, said: last(stdout) || last(stderr) || `${values.peer} does not run` }
})
const lines = rows.map(({ what, script, holds, said }) => `| ${what} | ${holds ? "yes" : "NO"} | ${said} | ${script} |`)
process.stdout.write(["| check | holds | what was found | script |", "|---|---|---|---|", ...lines, ""].join("\n"))
if (rows.some(({ holds }) => !holds)) process.exitCode = 1
