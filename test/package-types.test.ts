import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import ts from "typescript"
import { afterAll, expect, test } from "vitest"
import * as resdet from "../src/index.js"

/** Where somebody has installed the package, and hands its functions on. */
const folder = mkdtempSync(join(tmpdir(), "resdet-types-"))
const file = join(folder, "program.mts")
mkdirSync(join(folder, "node_modules"))
symlinkSync(resolve("."), join(folder, "node_modules", "resdet"))
afterAll(() => rmSync(folder, { recursive: true }))

const { ESNext, NodeNext } = ts.ModuleKind

/** Classes start with a capital. */
const names = Object.entries(resdet).flatMap(([name, value]) =>
  typeof value === "function" && /^[a-z]/.test(name) ? [name] : [],
)
const handedOn = (name: string) =>
  `export const ${name} = (...given: Parameters<typeof resdet.${name}>) => resdet.${name}(...given)`
writeFileSync(file, ['import * as resdet from "resdet"', ...names.map(handedOn)].join("\n"))

const compile = (module: ts.ModuleKind, moduleResolution: ts.ModuleResolutionKind) =>
  ts.createProgram([file], {
    ...{ module, moduleResolution, target: ts.ScriptTarget.ES2022 },
    ...{ lib: ["lib.es2023.d.ts", "lib.esnext.disposable.d.ts"], types: ["node"] },
    typeRoots: [resolve("node_modules", "@types")],
    ...{ declaration: true, strict: true, skipLibCheck: true, outDir: folder },
    // Else the link's target is seen, whose every file may be imported.
    preserveSymlinks: true,
  })

test.each([
  ["NodeNext", NodeNext, ts.ModuleResolutionKind.NodeNext],
  ["a bundler", ESNext, ts.ModuleResolutionKind.Bundler],
] as const)(
  "declarations can be made of a program that hands each function on, for %s",
  (_, module, resolution) => {
    const program = ts.createProgram([file], {
      ...{ module, moduleResolution: resolution, target: ts.ScriptTarget.ES2022 },
      ...{ lib: ["lib.es2023.d.ts", "lib.esnext.disposable.d.ts"], types: ["node"] },
      typeRoots: [resolve("node_modules", "@types")],
      ...{ declaration: true, strict: true, skipLibCheck: true, outDir: folder },
      // Else the link's target is seen, whose every file may be imported.
      preserveSymlinks: true,
    })
    const faults = ts.getPreEmitDiagnostics(program)
    expect(names.length).toBeGreaterThan(50)
    expect(faults.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"))).toEqual([])
  },
  120_000,
)

test("what returns a promise throws nothing: it rejects", async () => {
  const program = compile(NodeNext, ts.ModuleResolutionKind.NodeNext)
  const checker = program.getTypeChecker()
  const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(file)!)!)
  const promising = exported.flatMap((symbol) => {
    const [signature] = checker.getTypeOfSymbol(symbol).getCallSignatures()
    return signature!.getReturnType().symbol?.name === "Promise" ? [symbol.name] : []
  })
  expect(promising.length).toBeGreaterThan(30)
  const functions = new Map<string, unknown>(Object.entries(resdet))
  const wrong = { nope: 1 }
  const calls = promising.map((name) => (functions.get(name) as (...given: object[]) => Promise<unknown>)(wrong, wrong))
  const ended = await Promise.allSettled(calls)
  expect(promising.filter((_, call) => ended[call]!.status === "fulfilled")).toEqual([])
}, 120_000)
