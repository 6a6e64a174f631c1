import { fileURLToPath } from "node:url"
import { expect, test } from "vitest"
import { type ModelOverrides, planModel, planNorms } from "../../src/weights/plan.js"
import { readDetectorInfo, withCheckpoint } from "../support/read-info.js"

const wishes = { norm: "auto", conv5Norm: "auto", headNorm: "auto", frozen: undefined } as const
const planOf = (model: string, file: string | undefined, overrides: ModelOverrides = wishes) =>
  file === undefined
    ? planNorms(undefined, model, overrides)
    : withCheckpoint(file, (checkpoint) => planNorms(checkpoint, model, overrides))
const golden = (name: string) => fileURLToPath(new URL(`../golden/${name}`, import.meta.url))

test.each(["torch-zip.pth", "torch-legacy.pth"])("a detector may start from %s: trained norms stay frozen", (name) => {
  const file = golden(name)
  expect(readDetectorInfo(file)).toBeUndefined()
  // The file holds no conv5, which then starts with group norm.
  const plan = { norm: "frozen", conv5Norm: "group", headNorm: "group", frozen: 2 }
  expect(planOf("fasterrcnn_resnet18_c4", file)).toEqual(plan)
  expect(planOf("fasterrcnn_resnet18_fpn", file)).toEqual(plan)
})

test("without weights everything is made anew and learns, with group norm", () => {
  const plan = { norm: "group", conv5Norm: "group", headNorm: "group", frozen: 0 }
  expect(planOf("fasterrcnn_resnet18_c4", undefined)).toEqual(plan)
})

test("shared stages follow one wish, but for a conv5 that starts anew", () => {
  const norm = (wish: "batch" | "group", file: string | undefined) =>
    planOf("fasterrcnn_resnet18_fpn", file, { ...wishes, norm: wish })
  expect(norm("batch", golden("torch-zip.pth"))).toMatchObject({ norm: "batch", conv5Norm: "group" })
  expect(norm("batch", undefined)).toMatchObject({ norm: "batch", conv5Norm: "batch" })
})

test("wishes win over what the file suggests", () => {
  const wished = { norm: "group", conv5Norm: "frozen", headNorm: "batch", frozen: 1 } as const
  expect(planOf("fasterrcnn_resnet18_c4", golden("torch-zip.pth"), wished)).toEqual(wished)
})

test("with a preset of others the norms stand beside their convolutions, as theirs do", () => {
  const file = golden("torch-zip.pth")
  const chosen = (overrides: ModelOverrides) =>
    withCheckpoint(file, (checkpoint) => planModel(checkpoint, { model: "fasterrcnn_resnet18_fpn", ...overrides }))
  expect(chosen({})).toMatchObject({ norm: "frozen", conv5Norm: "group" })
  expect(chosen({ norm: "unfolded" })).toMatchObject({ norm: "unfolded", conv5Norm: "group" })
  for (const preset of ["paper", "torchvision", "detectron2"] as const) {
    expect(chosen({ preset })).toMatchObject({ norm: "unfolded", conv5Norm: "group" })
    expect(chosen({ preset, norm: "frozen" })).toMatchObject({ norm: "frozen" })
  }
})
