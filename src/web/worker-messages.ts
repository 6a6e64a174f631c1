import { DataError, UsageError, UserError } from "../core/errors.js"
import type { Device, WebDetections, WebDetectOptions, WebDetector } from "./detector.js"
import type { PictureSource } from "./drawable.js"

/** What a page asks of the worker; each gets one answer by its number. */
export type WorkerCall = { readonly id: number } & (
  | {
      readonly call: "open"
      readonly file: string
      readonly bytes: Uint8Array<ArrayBuffer>
      readonly device: Device | undefined
    }
  | {
      readonly call: "detect"
      readonly source: PictureSource
      readonly options: WebDetectOptions
      /** Whether `source` was made for this call, to be freed after it. */
      readonly own: boolean
    }
  | { readonly call: "dispose" }
)

/** What a detector is, without what it does. */
export type DetectorDescription = Omit<WebDetector, "detect" | "dispose">

export type WorkerResult = DetectorDescription | WebDetections | undefined

export type WorkerOutcome =
  | { readonly result: WorkerResult }
  | { readonly error: { readonly name: string; readonly message: string } }

export type WorkerAnswer = { readonly id: number } & WorkerOutcome

/** An error as it came from a worker, of the class that it was there. */
export function receivedError({ name, message }: { readonly name: string; readonly message: string }): Error {
  const kinds = { DataError, UsageError, UserError }
  const Kind = name in kinds ? kinds[name as keyof typeof kinds] : Error
  return new Kind(message)
}
