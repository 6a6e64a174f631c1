import { DataError, UsageError, UserError } from "./errors.js"

/** An error on its way to another thread, where a copy would lose its class. */
export type SentError = { readonly name: string; readonly message: string } | { readonly bug: unknown }

const kinds = { DataError, UsageError, UserError }

export function sendError(error: unknown): SentError {
  if (!(error instanceof UserError)) return { bug: error }
  return { name: error.name in kinds ? error.name : UserError.name, message: error.message }
}

/** The error that was sent: a user's mistake of the same class, or the bug as it was copied. */
export function receiveError(sent: SentError): unknown {
  if ("bug" in sent) return sent.bug
  return new kinds[sent.name as keyof typeof kinds](sent.message)
}
