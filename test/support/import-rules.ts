import { posix } from "node:path"
import ts from "typescript"

/** Which rooms a room may import from; a room may always import from itself. `types` may be imported as types only. */
interface RoomRule {
  readonly may: readonly string[]
  readonly types?: readonly string[]
}

/** The table of CONTRIBUTING.md. */
export const rooms: Readonly<Record<string, RoomRule>> = {
  core: { may: [] },
  engine: { may: ["core"] },
  setup: { may: ["core", "engine"] },
  boxes: { may: ["core"] },
  layers: { may: ["core", "engine"] },
  backbone: { may: ["core", "engine", "layers"] },
  rpn: { may: ["core", "engine", "boxes", "layers"], types: ["backbone"] },
  roi: { may: ["core", "engine", "boxes", "layers"], types: ["backbone"] },
  json: { may: ["core"] },
  eval: { may: ["core", "boxes", "json"] },
  datasets: { may: ["core", "boxes", "json"] },
  report: { may: ["core", "eval"] },
  detector: { may: ["core", "engine", "boxes", "layers", "backbone", "rpn", "roi"] },
  classify: { may: ["core", "engine", "layers", "backbone", "eval", "datasets", "weights", "train"] },
  localize: { may: ["core", "engine", "boxes", "layers", "backbone", "rpn", "eval", "datasets", "weights", "train"] },
  weights: { may: ["core", "engine", "layers", "backbone", "detector"] },
  onnx: { may: ["core", "engine", "boxes", "layers", "backbone", "rpn", "roi", "detector", "weights"] },
  train: { may: ["core", "engine", "boxes", "rpn", "roi", "detector", "eval", "datasets", "weights", "report"] },
  predict: { may: ["core", "engine", "boxes", "detector", "weights", "onnx", "json", "datasets"], types: ["backbone"] },
  web: { may: ["core", "boxes", "detector", "weights", "onnx", "predict", "datasets"] },
}

/** Rooms that may import every other; only the command line and the public names stand above the tasks. */
const free = ["cli", "tasks", "public"]

/** What rooms never load, by no way round. */
const never: readonly { readonly what: string; readonly rooms: readonly string[]; is(target: string): boolean }[] = [
  {
    what: "TensorFlow",
    rooms: ["json", "eval", "datasets", "web"],
    is: (target) => target.startsWith("@tensorflow/"),
  },
  { what: "Node", rooms: ["web"], is: (target) => target.startsWith("node:") },
]

interface Import {
  readonly specifier: string
  readonly typeOnly: boolean
}

/**
 * What in the sources breaks the rules, one line each, empty when all is well.
 * @param sources text by path from the repository's root, such as `src/boxes/iou.ts`
 */
export function importFaults(sources: ReadonlyMap<string, string>): string[] {
  const faults: string[] = []
  /** Files that each file loads when it runs. */
  const loads = new Map<string, string[]>()
  for (const [path, text] of sources) {
    const room = roomOf(path)
    if (room === undefined) faults.push(`${path}: is in no room of the table`)
    if (/\/index\.ts$/.test(path) && path !== "src/index.ts") faults.push(`${path}: a room has no index.ts`)
    const file = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true)
    if (room !== "cli") faults.push(...forbiddenNames(file).map((name) => `${path}: uses ${name} outside src/cli`))
    const targets: string[] = []
    for (const { specifier, typeOnly } of importsOf(file)) {
      const target = specifier.startsWith(".") ? resolveImport(path, specifier) : specifier
      if (!typeOnly) targets.push(target)
      if (!specifier.startsWith(".") || room === undefined) continue
      const other = roomOf(target)
      if (other === undefined) faults.push(`${path}: imports ${target}, which is in no room`)
      else if (!mayImport(room, other, typeOnly)) {
        faults.push(`${path}: ${room} imports ${other} (${target})${typeOnly ? " as types" : ""}`)
      }
    }
    loads.set(path, targets)
  }
  for (const path of sources.keys()) {
    for (const { what, rooms, is } of never) {
      const way = rooms.includes(roomOf(path) ?? "") ? wayTo(is, path, loads) : undefined
      if (way !== undefined) faults.push(`${path}: reaches ${what}: ${way.join(" -> ")}`)
    }
  }
  return faults
}

function roomOf(path: string): string | undefined {
  if (path === "src/index.ts") return "public"
  const [top, room, inner] = path.split("/")
  if (top === "datasets") return "datasets"
  if (top !== "src" || inner === undefined) return undefined
  return room! in rooms || free.includes(room!) ? room : undefined
}

function mayImport(room: string, other: string, typeOnly: boolean): boolean {
  if (room === other) return true
  if (free.includes(room)) return room !== "tasks" || !free.includes(other)
  const { may, types = [] } = rooms[room]!
  return may.includes(other) || (typeOnly && types.includes(other))
}

function resolveImport(from: string, specifier: string): string {
  return posix.join(posix.dirname(from), specifier).replace(/\.js$/, ".ts")
}

/** Static and dynamic imports, exports from elsewhere, and `import("...")` types. */
function importsOf(file: ts.SourceFile): Import[] {
  const imports: Import[] = []
  const add = (node: ts.Node | undefined, typeOnly: boolean) => {
    if (node !== undefined && ts.isStringLiteralLike(node)) imports.push({ specifier: node.text, typeOnly })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypeImport(node.importClause))
    else if (ts.isExportDeclaration(node)) {
      const { exportClause } = node
      const allTypes =
        exportClause !== undefined &&
        ts.isNamedExports(exportClause) &&
        exportClause.elements.every((one) => one.isTypeOnly)
      add(node.moduleSpecifier, node.isTypeOnly || allTypes)
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0], false)
    } else if (ts.isCallExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === "require") {
      add(node.arguments[0], false)
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true)
    ts.forEachChild(node, visit)
  }
  visit(file)
  return imports
}

/** `import type` or an import of names that all are marked as types: nothing of it is left when the program runs. */
function isTypeImport(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true
  const { name, namedBindings } = clause
  if (name !== undefined || namedBindings === undefined || !ts.isNamedImports(namedBindings)) return false
  return namedBindings.elements.length > 0 && namedBindings.elements.every((one) => one.isTypeOnly)
}

function forbiddenNames(file: ts.SourceFile): string[] {
  const found = new Set<string>()
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
      if (node.expression.text === "console") found.add("console")
      if (node.expression.text === "Math" && node.name.text === "random") found.add("Math.random")
    }
    ts.forEachChild(node, visit)
  }
  visit(file)
  return [...found]
}

function wayTo(
  isGoal: (target: string) => boolean,
  start: string,
  loads: ReadonlyMap<string, readonly string[]>,
): string[] | undefined {
  const seen = new Set([start])
  const ways: string[][] = [[start]]
  for (let way = ways.shift(); way !== undefined; way = ways.shift()) {
    for (const target of loads.get(way.at(-1)!) ?? []) {
      if (isGoal(target)) return [...way, target]
      if (!seen.has(target)) ways.push([...way, target])
      seen.add(target)
    }
  }
  return undefined
}
