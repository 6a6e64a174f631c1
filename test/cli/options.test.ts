import { existsSync, readdirSync, readFileSync } from "node:fs"
import { globSync } from "tinyglobby"
import { expect, test } from "vitest"
import { z } from "zod"
import { commands } from "../../src/cli/commands.js"
import { allCommands, editorSchema, optionReference, schemaFile } from "../../src/cli/option-reference.js"
import { declaredOptions, option } from "../../src/tasks/option.js"

const all = await allCommands(commands)

test("every command has a schema, and every option of it a help text in one line", () => {
  expect(all.length).toBeGreaterThan(20)
  for (const { name, module } of all) {
    expect(module.schema, name).toBeDefined()
    for (const { key, info } of declaredOptions(module.schema!))
      expect(info.help, `${name} ${key}`).toMatch(/^\S[^\n]+$/)
  }
})

test("an option is declared once: a schema alone adds flags, and no other file has a flag's text", () => {
  const files = globSync("src/cli/*.ts")
  const adding = files.filter((file) =>
    /\.(option|addOption|requiredOption|argument)\(/.test(readFileSync(file, "utf8")),
  )
  expect(adding).toEqual(["src/cli/command.ts"])
})

test("a schema that is an option already cannot be declared again, which would change its text elsewhere", () => {
  const schema = option(z.string(), { help: "one" })
  expect(() => option(schema, { help: "another" })).toThrow(/cannot be two options: "another"/)
})

test("splits are joined with + where data have boxes: classify train does not offer it", () => {
  const helpOf = (name: string) => {
    const { schema } = all.find((one) => one.name === name)!.module
    return declaredOptions(schema!).find(({ key }) => key === "split")!.info.help
  }
  expect(helpOf("train")).toContain("join several with +")
  expect(helpOf("classify train")).toBe("training split")
})

test("no side that images are resized to may be longer than memory holds", () => {
  // `info` only counts.
  const sides = all.flatMap(({ name, module }) =>
    declaredOptions(module.schema!)
      .filter(({ key }) => name !== "info" && ["size", "sizes", "scales", "shorter"].includes(key))
      .map(({ key, schema }) => ({ at: `${name} --${key}`, schema })),
  )
  expect(sides.length).toBeGreaterThan(15)
  const takes = (schema: z.ZodType, side: number) =>
    [side, [side], [side, side]].some((value) => schema.safeParse(value).success)
  expect(sides.filter(({ schema }) => !takes(schema, 8192) || takes(schema, 99999)).map(({ at }) => at)).toEqual([])
})

test("docs/options.md and schema/*.json are those of the schemas; else run npm run docs:options", () => {
  expect(readFileSync("docs/options.md", "utf8")).toBe(optionReference(all))
  for (const command of all) {
    const file = `schema/${schemaFile(command)}`
    expect(existsSync(file), file).toBe(true)
    expect(JSON.parse(readFileSync(file, "utf8")), file).toEqual(JSON.parse(JSON.stringify(editorSchema(command))))
  }
  expect(readdirSync("schema").sort()).toEqual(all.map(schemaFile).sort())
})
