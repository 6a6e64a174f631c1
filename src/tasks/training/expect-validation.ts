import { UsageError } from "../../core/errors.js"

/** What of a run's options needs a validation. */
interface ByValidation {
  readonly valEvery: number
  readonly patience?: number | undefined
  readonly schedule: string
  readonly minMap?: number | undefined
}

/** @throws UsageError for options that go by validation where there is none */
export function expectValidation(validation: unknown, options: ByValidation): void {
  const { valEvery, patience, schedule, minMap } = options
  if (validation !== undefined && valEvery > 0) return
  const cure = valEvery > 0 ? "give data with a validation split" : "set --val-every to 1 or more"
  if (patience !== undefined) throw new UsageError(`--patience ${patience} ends a run by validation: ${cure}`)
  if (schedule === "plateau") throw new UsageError(`--schedule plateau drops the rate by validation: ${cure}`)
  if (minMap !== undefined) throw new UsageError(`--min-map ${minMap} judges a run by validation: ${cure}`)
}
