import { UsageError } from "../../core/errors.js"

/** What of a run's options needs a validation. */
interface ByValidation {
  readonly valEvery: number
  readonly patience?: number | undefined
  readonly schedule: string
}

/** @throws UsageError for options that go by validation where there is none */
export function expectValidation(validation: unknown, { valEvery, patience, schedule }: ByValidation): void {
  if (validation !== undefined && valEvery > 0) return
  const cure = "give data with a validation split"
  if (patience !== undefined) throw new UsageError(`--patience ${patience} ends a run by validation: ${cure}`)
  if (schedule === "plateau") throw new UsageError(`--schedule plateau drops the rate by validation: ${cure}`)
}
