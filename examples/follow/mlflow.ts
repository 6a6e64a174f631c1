// Trains a detector and tells a server with MLflow's REST interface: the options, each report of steps, each epoch, the end.
// node mlflow.ts <options.json> [http://127.0.0.1:5000]
// Nothing of resdet knows MLflow: any other server is told in the same way, from the same events.
import { readFileSync } from "node:fs"
import { trainDetector } from "resdet"

const [file, server = "http://127.0.0.1:5000"] = process.argv.slice(2)
if (file === undefined) throw new Error("mlflow: expected a JSON file with the options of trainDetector")
const options = JSON.parse(readFileSync(file, "utf8"))

const experiment = await experimentId("resdet")
const { run } = await post("runs/create", { experiment_id: experiment, start_time: Date.now() })
const id = run.info.run_id
const params = Object.entries(options).map(([key, value]) => ({ key, value: String(value) }))
await post("runs/log-batch", { run_id: id, params })

let status = "FAILED"
try {
  const result = await trainDetector(options, {
    onStep: ({ step, losses, rate, gradNorm }) => log(step, { ...losses, rate, gradNorm }),
    onEpoch: ({ epoch, metrics, figures }) => log(epoch, { ...metrics, seconds: figures.seconds }, "epoch/"),
  })
  status = result.finished ? "FINISHED" : "KILLED"
  console.log(`run ${id}: ${result.weights.best ?? result.weights.last}`)
} finally {
  await post("runs/update", { run_id: id, status, end_time: Date.now() })
}

/** A server that is away for a while is told about, and training goes on. */
async function log(step: number, values: Readonly<Record<string, number | undefined>>, group = ""): Promise<void> {
  const told = Object.entries(values).filter(([, value]) => Number.isFinite(value))
  const metrics = told.map(([key, value]) => ({ key: `${group}${key}`, value, step, timestamp: Date.now() }))
  await post("runs/log-batch", { run_id: id, metrics }).catch((error: Error) => console.error(error.message))
}

async function experimentId(name: string): Promise<string> {
  const known = await fetch(address(`experiments/get-by-name?experiment_name=${name}`))
  if (known.ok) return ((await known.json()) as Answer).experiment.experiment_id
  return (await post("experiments/create", { name })).experiment_id
}

/** What is read of the server's answers. */
interface Answer {
  readonly experiment_id: string
  readonly experiment: { readonly experiment_id: string }
  readonly run: { readonly info: { readonly run_id: string } }
}

async function post(call: string, body: object): Promise<Answer> {
  const response = await fetch(address(call), {
    method: "POST",
    // A connection that waits through a long step may be closed by the server just when it is used again.
    headers: { "content-type": "application/json", connection: "close" },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${address(call)}: status ${response.status}`)
  return (await response.json()) as Answer
}

function address(call: string): string {
  return `${server}/api/2.0/mlflow/${call}`
}
