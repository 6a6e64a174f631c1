import type { Fault } from "./dataset.js"
import { FaultLog, type FaultPolicies } from "./faults.js"
import { nameInside } from "./folder.js"
import type { Photo, PhotoProblem } from "./open-sample.js"

/** The faults of photos, each written down once however often its photo is opened. */
export class PhotoFaults {
  readonly #log: FaultLog
  readonly #nameOf: (file: string) => string
  readonly #seen = new Set<string>()

  /** @param source of the data set: files are named from there, else in full */
  constructor(source?: string, policies?: FaultPolicies) {
    this.#nameOf = source === undefined ? (file) => file : (file) => nameInside(source, file)
    this.#log = new FaultLog(policies)
  }

  get policies(): FaultPolicies {
    return this.#log.policies
  }

  get faults(): readonly Fault[] {
    return this.#log.faults
  }

  /** @throws DataError when the policy is to stop */
  add({ file, image }: Photo, problems: readonly PhotoProblem[]): void {
    const name = image === undefined ? this.#nameOf(file) : file
    for (const { kind, message } of problems) {
      const key = `${kind} ${name}`
      if (this.#seen.has(key)) continue
      this.#seen.add(key)
      this.#log.report(kind, name, message)
    }
  }
}
