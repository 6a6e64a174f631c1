import { withoutEnding } from "../../datasets/folder.js"

/**
 * Each path without its ending, so that `a.jpg` can give `a.txt`; where two would then be one (`a.jpg` and `a.png`), or
 * a repeated path comes again, the names stay apart: the ending is kept, and a number added to a repetition.
 */
export function uniqueStems(paths: readonly string[]): string[] {
  const stems = paths.map(withoutEnding)
  const whole = new Set(paths)
  const count = new Map<string, number>()
  for (const stem of stems) count.set(stem, (count.get(stem) ?? 0) + 1)
  // A stem that is another's whole name counts as taken: else keeping that ending would make them meet.
  const names = stems.map((stem, i) => (count.get(stem) === 1 && !whole.has(stem) ? stem : paths[i]!))
  const used = new Set<string>()
  return names.map((name) => {
    let free = name
    for (let again = 2; used.has(free); again++) free = `${name}-${again}`
    used.add(free)
    return free
  })
}

/** As `uniqueStems`, for paths that come one by one: the first of those that share a stem has it. */
export class StemNamer {
  readonly #used = new Set<string>()

  next(path: string): string {
    const stem = withoutEnding(path)
    let free = this.#used.has(stem) ? path : stem
    for (let again = 2; this.#used.has(free); again++) free = `${path}-${again}`
    this.#used.add(free)
    return free
  }
}
