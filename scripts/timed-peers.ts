import { bf16Units } from "../src/engine/precision.js"

/** Those of torch's ways that are timed: in bf16 only where the processor multiplies it; without that it takes minutes. */
export const timedPeers = (names: readonly string[]): readonly string[] =>
  bf16Units().length > 0 ? names : names.filter((name) => !name.endsWith("bf16"))
