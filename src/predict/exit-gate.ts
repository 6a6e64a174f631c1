/**
 * A process must not end while ONNX Runtime computes in a thread of it: the library would find its thread gone and abort the
 * process. So the thread that ends the process waits until the others are between two computations, and lets none begin.
 */
const [computing, isEnding] = [0, 1]

/** At most; milliseconds. */
const patience = 60_000

const gates = new Set<Int32Array>()

/** A gate for one thread, to be sent to it. It is watched until `forgetGate`. */
export function openGate(): Int32Array {
  if (gates.size === 0) process.on("exit", closeGates)
  const gate = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT))
  gates.add(gate)
  return gate
}

export function forgetGate(gate: Int32Array): void {
  gates.delete(gate)
  if (gates.size === 0) process.off("exit", closeGates)
}

function closeGates(): void {
  for (const gate of gates) Atomics.store(gate, isEnding, 1)
  for (const gate of gates) {
    for (let count = Atomics.load(gate, computing); count > 0; count = Atomics.load(gate, computing)) {
      if (Atomics.wait(gate, computing, count, patience) === "timed-out") return
    }
  }
}

/** Computes in the gate's thread, or never where the process is about to end. */
export async function withinGate<Result>(gate: Int32Array, compute: () => Promise<Result>): Promise<Result> {
  Atomics.add(gate, computing, 1)
  const leave = () => {
    Atomics.sub(gate, computing, 1)
    Atomics.notify(gate, computing)
  }
  if (Atomics.load(gate, isEnding) === 1) {
    leave()
    return new Promise<never>(() => {})
  }
  return compute().finally(leave)
}
