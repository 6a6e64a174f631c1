/**
 * A mistake of the user's, told in one line: what, where, how to fix it. The command line prints the message without a
 * stack and exits with `exitCode`. Anything else that is thrown is a bug and keeps its stack.
 */
export class UserError extends Error {
  readonly exitCode: number = 1
  override readonly name: string = "UserError"
}

/** The call itself is off: an unknown flag, option, model or class. Exit code 2. */
export class UsageError extends UserError {
  override readonly exitCode = 2
  override readonly name = "UsageError"
}

/** A file or record of the user's is broken. Exit code 3. */
export class DataError extends UserError {
  override readonly exitCode = 3
  override readonly name = "DataError"
}

/** What `find` gives; undefined where it throws a DataError. */
export function unlessBroken<Result>(find: () => Result): Result | undefined {
  try {
    return find()
  } catch (error) {
    if (error instanceof DataError) return undefined
    throw error
  }
}

/** Training produced a loss that is not a number. Exit code 5. */
export class DivergedError extends UserError {
  override readonly exitCode = 5
  override readonly name = "DivergedError"
}

/** As many calls wait as may: try again later, or give several images as a list. */
export class BusyError extends UserError {
  override readonly name = "BusyError"
}

/** The handle was disposed of before the call was made, or before it was done. */
export class DisposedError extends UserError {
  override readonly name = "DisposedError"
}

/**
 * The work is done, and its result is here, but a file that was asked for beside it could not be written: the disk has run
 * full, or the folder has gone.
 */
export class UnwrittenError<Result = unknown> extends UserError {
  override readonly name = "UnwrittenError"
  readonly result: Result

  constructor(cause: UserError, result: Result) {
    super(cause.message, { cause })
    this.result = result
  }
}

/** A process that trained together with this one has died or hangs: what is not saved is lost, and the run can go on. */
export class LostProcessError extends UserError {
  override readonly name = "LostProcessError"
  /** Whether it is this process's turn to tell the user, among those that are left. */
  readonly isTeller: boolean
  /** The run's folder, where there is one to continue. */
  run: string | undefined

  constructor(message: string, isTeller = true) {
    super(message)
    this.isTeller = isTeller
  }
}

/** A process that trained together with this one has ended and said why: it tells the user, this one ends with its code. */
export class PeerError extends UserError {
  override readonly name = "PeerError"
  override readonly exitCode: number

  constructor(message: string, exitCode: number) {
    super(message)
    this.exitCode = exitCode
  }
}
