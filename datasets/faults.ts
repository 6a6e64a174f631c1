import { DataError, UsageError } from "../src/core/errors.js"
import { shortened, shown, visible } from "../src/core/shown.js"
import { didYouMean } from "../src/core/suggest.js"
import type { Fault, FaultKind, FaultPolicy } from "./dataset.js"

export type FaultPolicies = Readonly<Record<FaultKind, FaultPolicy>>

/**
 * What is done about each kind of fault unless the user says otherwise: nothing is fatal by surprise, and nothing that
 * leaves the data folder is ever opened.
 */
export const faultPolicies: FaultPolicies = {
  /** Nothing can be learnt from it, and its log width would be infinite. */
  "zero-area-box": "skip",
  /** Clipped, as detectron2 and Ultralytics do; left out when nothing of it lies inside. */
  "box-outside-image": "fix",
  "missing-image": "skip",
  "unreadable-image": "skip",
  /** What arrived is used, as `failOn: "none"` and OpenCV do; the rest is grey. */
  "truncated-image": "fix",
  /** It would take the machine's memory. */
  "oversized-image": "skip",
  /** The orientation that fits the annotation is taken; when none fits, the file's own size counts. */
  "size-mismatch": "fix",
  "broken-annotation": "skip",
  "unknown-class": "skip",
  "unknown-id": "skip",
  /** The first one stays. */
  "duplicate-id": "skip",
  "unsafe-path": "fail",
}

const mendable: ReadonlySet<FaultKind> = new Set(["box-outside-image", "truncated-image", "size-mismatch"])

const keepable: ReadonlySet<FaultKind> = new Set([
  "zero-area-box",
  "box-outside-image",
  "missing-image",
  "duplicate-id",
])

/** For ground truth that detections are scored against: it counts as it was annotated, as with the official evaluators. */
export const scoringPolicies: FaultPolicies = {
  ...faultPolicies,
  "zero-area-box": "keep",
  "box-outside-image": "keep",
  "missing-image": "keep",
}

/**
 * The default policies with the user's laid over them.
 * @throws UsageError for an unknown kind or policy, a fix where there is none, or an attempt to allow unsafe paths
 */
export function withPolicies(overrides: Partial<FaultPolicies> = {}): FaultPolicies {
  const kinds = Object.keys(faultPolicies)
  for (const [kind, policy] of Object.entries(overrides)) {
    if (!kinds.includes(kind)) {
      throw new UsageError(`Unknown fault "${kind}".${didYouMean(kind, kinds)} Known: ${kinds.join(", ")}`)
    }
    if (policy !== "fix" && policy !== "keep" && policy !== "skip" && policy !== "fail") {
      throw new UsageError(`Expected the policy for ${kind} to be fix, keep, skip or fail, got "${policy}"`)
    }
    if (kind === "unsafe-path" && policy !== "fail") {
      throw new UsageError("A path that leaves the data folder is always refused: unsafe-path can only be fail")
    }
    if (policy === "fix" && !mendable.has(kind as FaultKind)) {
      throw new UsageError(`A fault of kind ${kind} cannot be fixed: choose skip or fail`)
    }
    if (policy === "keep" && !keepable.has(kind as FaultKind)) {
      throw new UsageError(`A fault of kind ${kind} cannot be kept: choose skip or fail`)
    }
  }
  return { ...faultPolicies, ...overrides }
}

/** There is no such split in a data set that has others. */
export class NoSplitError extends DataError {}

/** Collects faults and applies the policies to them. */
export class FaultLog {
  readonly faults: Fault[] = []
  readonly policies: FaultPolicies

  constructor(policies: FaultPolicies = faultPolicies) {
    this.policies = policies
  }

  /**
   * Writes a fault down and tells what the caller has to do about it.
   * @throws DataError when the policy is to stop
   */
  report(kind: FaultKind, file: string, message: string, object?: number): Fault["action"] {
    const policy = this.policies[kind]
    const place = object === undefined ? {} : { object }
    const action = policy === "fix" ? "fixed" : policy === "keep" ? "kept" : "skipped"
    const fault: Fault = { kind, file, ...place, message, action }
    if (policy === "fail") throw new DataError(`${formatFault(fault, false)}. Fix it, or set policies.${kind}=skip`)
    this.faults.push(fault)
    return action
  }

  /** Takes over a fault that was found elsewhere, such as in a worker. */
  add(fault: Fault): void {
    this.report(fault.kind, fault.file, fault.message, fault.object)
  }
}

/** Letters of what is said about one fault: what others wrote may go on for a megabyte. */
const longest = 500

/** A fault as one line: `Annotations/a.xml object 3: zero-area-box: xmin and xmax are both 504 (skipped)`. */
export function formatFault(fault: Fault, withAction = true): string {
  const object = fault.object === undefined ? "" : ` object ${fault.object}`
  return `${shown(fault.file)}${object}: ${fault.kind}: ${visible(shortened(fault.message, longest))}${withAction ? ` (${fault.action})` : ""}`
}

/** How many faults there are of each kind, most frequent first. */
export function countFaults(faults: readonly Fault[]): [FaultKind, number][] {
  const counts = new Map<FaultKind, number>()
  for (const { kind } of faults) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  return [...counts].sort((a, b) => b[1] - a[1])
}
