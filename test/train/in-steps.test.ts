import { expect, test } from "vitest"
import { inSteps, isInShare, type Share } from "../../src/train/in-steps.js"

/** The turns of an epoch in words: the batch, `.` for none, its place, `!` behind the last of a step and where the next begins. */
async function plan(
  batches: number,
  perStep: number,
  { lost = [] as number[], start = 0, share = undefined as Share | undefined } = {},
) {
  const isOwn = share === undefined ? () => true : isInShare(share, perStep)
  const given = async function* () {
    for (let batch = start; batch < batches; batch++) if (isOwn(batch) && !lost.includes(batch)) yield batch
  }
  const turns: string[] = []
  for await (const { batch, place, isLast, end } of inSteps(given(), {
    ...{ perStep, start, batches, share },
    next: (one) => one + 1,
  })) {
    turns.push(`${batch ?? "."}@${place}${isLast ? `!${end}` : ""}`)
  }
  return turns.join(" ")
}

test("an epoch's batches come in steps of so many, the last step with what is left", async () => {
  expect(await plan(5, 2)).toBe("0@0 1@1!2 2@0 3@1!4 4@0!5")
  expect(await plan(4, 2)).toBe("0@0 1@1!2 2@0 3@1!4")
  expect(await plan(3, 1)).toBe("0@0!1 1@0!2 2@0!3")
  expect(await plan(2, 5)).toBe("0@0 1@1!2")
  expect(await plan(0, 2)).toBe("")
})

test("a batch that was lost leaves the others in their steps; a step that lost all of its own has no turn", async () => {
  expect(await plan(6, 2, { lost: [1] })).toBe("0@0!2 2@0 3@1!4 4@0 5@1!6")
  expect(await plan(6, 2, { lost: [2, 3] })).toBe("0@0 1@1!2 4@0 5@1!6")
  expect(await plan(6, 3, { start: 3, lost: [3] })).toBe("4@1 5@2!6")
})

test("of several processes each has a turn in every step, with or without a batch", async () => {
  const share = (rank: number, size = 2) => ({ share: { rank, size } })
  expect(await plan(5, 2, share(0))).toBe("0@0!2 2@0!4 4@0!5")
  expect(await plan(5, 2, share(1))).toBe("1@1!2 3@1!4 .@0!5")
  expect(await plan(5, 2, { ...share(1), lost: [1], start: 0 })).toBe(".@0!2 3@1!4 .@0!5")
  expect(await plan(7, 4, share(0))).toBe("0@0 2@2!4 4@0 6@2!7")
  expect(await plan(7, 4, share(1))).toBe("1@1 3@3!4 5@1!7")
  expect(await plan(7, 4, { ...share(1), lost: [3] })).toBe("1@1!4 5@1!7")
  expect(await plan(8, 2, { ...share(1), start: 4 })).toBe("5@1!6 7@1!8")
})
