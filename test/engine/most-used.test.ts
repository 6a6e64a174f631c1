import { beforeEach, describe, expect, it } from "vitest"
import { MostUsed } from "../../src/engine/most-used.js"

describe("MostUsed", () => {
  let gone: string[]
  beforeEach(() => {
    gone = []
  })
  type Named = ReturnType<typeof made>
  const made = (name: string, nodes = 10) => ({ name, nodes, remove: () => void gone.push(name) })
  function use(functions: MostUsed<Named>, key: string, times = 1) {
    return Array.from({ length: times }, () => functions.use(key)?.name).at(-1)
  }

  it("gives what it keeps", () => {
    const functions = new MostUsed<Named>(20)
    expect(use(functions, "a")).toBeUndefined()
    functions.keep("a", made("a"))
    expect(use(functions, "a")).toBe("a")
    expect(gone).toEqual([])
  })

  it("pays from the second use on, while there is room", () => {
    const functions = new MostUsed<Named>(20)
    use(functions, "a")
    expect(functions.pays("a", 0)).toBe(false)
    use(functions, "a")
    expect(functions.pays("a", 20)).toBe(true)
    expect(functions.pays("a", 21)).toBe(false)
  })

  it("pays without room for what came twice as often as those that make room", () => {
    const functions = new MostUsed<Named>(20)
    for (const [key, times] of [
      ["a", 5],
      ["b", 3],
    ] as const) {
      use(functions, key, times)
      functions.keep(key, made(key))
    }
    use(functions, "c", 5)
    expect(functions.pays("c", 10)).toBe(false)
    use(functions, "c", 2)
    expect([functions.pays("c", 10), functions.pays("c", 11)]).toEqual([true, false])
    use(functions, "c", 4)
    expect([functions.pays("c", 20), functions.pays("c", 21)]).toEqual([true, false])
  })

  it("lets go what came least often, but never the new one", () => {
    const functions = new MostUsed<Named>(20)
    for (const [key, times] of [
      ["a", 3],
      ["b", 2],
      ["c", 1],
      ["d", 4],
    ] as const) {
      use(functions, key, times)
      functions.keep(key, made(key))
    }
    expect(gone).toEqual(["b", "c"])
    expect(["a", "b", "c", "d"].map((key) => use(functions, key))).toEqual(["a", undefined, undefined, "d"])
  })

  it("keeps one that is larger than the room, until the next one comes", () => {
    const functions = new MostUsed<Named>(20)
    use(functions, "a", 9)
    functions.keep("a", made("a"))
    use(functions, "huge")
    functions.keep("huge", made("huge", 30))
    expect([gone, use(functions, "huge")]).toEqual([["a"], "huge"])
    functions.keep("b", made("b"))
    expect(gone).toEqual(["a", "huge"])
  })

  it("lets several small ones go for a large one", () => {
    const functions = new MostUsed<Named>(20)
    for (const key of ["a", "b", "c"]) {
      use(functions, key)
      functions.keep(key, made(key, 6))
    }
    use(functions, "large", 3)
    functions.keep("large", made("large", 12))
    expect(gone).toEqual(["a", "b"])
  })

  it.each([1_000, 100_000])("lets go in time what came often once, %i uses ago", (ago) => {
    const functions = new MostUsed<Named>(20)
    use(functions, "old", 1_000)
    functions.keep("old", made("old"))
    for (let k = 0; k < ago; k++) use(functions, `rare ${k % 500}`)
    // A thousand uses count 721 at their end, and half of that a thousand later.
    const enough = ago === 1_000 ? 500 : 2
    use(functions, "new", enough)
    functions.keep("new", made("new"))
    expect(use(functions, "old")).toBe("old")
    use(functions, "newer", enough)
    functions.keep("newer", made("newer"))
    expect(gone).toEqual(["old"])
  })
})
