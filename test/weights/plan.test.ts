import { fileURLToPath } from "node:url"
import { expect, test } from "vitest"
import { readDetectorInfo } from "../../src/weights/detector-file.js"
import { planNorms } from "../../src/weights/plan.js"

const wishes = { norm: "auto", conv5Norm: "auto", headNorm: "auto", frozen: undefined } as const
const golden = (name: string) => fileURLToPath(new URL(`../golden/${name}`, import.meta.url))

test.each(["torch-zip.pth", "torch-legacy.pth"])("a detector may start from %s: trained norms stay frozen", (name) => {
  const file = golden(name)
  expect(readDetectorInfo(file)).toBeUndefined()
  // The file holds no conv5, which then starts with group norm.
  const plan = { norm: "frozen", conv5Norm: "group", headNorm: "group", frozen: 2 }
  expect(planNorms("fasterrcnn_resnet18_c4", file, wishes)).toEqual(plan)
  expect(planNorms("fasterrcnn_resnet18_fpn", file, wishes)).toEqual(plan)
})

test("without weights everything is made anew and learns, with group norm", () => {
  const plan = { norm: "group", conv5Norm: "group", headNorm: "group", frozen: 0 }
  expect(planNorms("fasterrcnn_resnet18_c4", undefined, wishes)).toEqual(plan)
})

test("shared stages follow one wish, but for a conv5 that starts anew", () => {
  const norm = (wish: "batch" | "group", file: string | undefined) =>
    planNorms("fasterrcnn_resnet18_fpn", file, { ...wishes, norm: wish })
  expect(norm("batch", golden("torch-zip.pth"))).toMatchObject({ norm: "batch", conv5Norm: "group" })
  expect(norm("batch", undefined)).toMatchObject({ norm: "batch", conv5Norm: "batch" })
})

test("wishes win over what the file suggests", () => {
  const wished = { norm: "group", conv5Norm: "frozen", headNorm: "batch", frozen: 1 } as const
  expect(planNorms("fasterrcnn_resnet18_c4", golden("torch-zip.pth"), wished)).toEqual(wished)
})
