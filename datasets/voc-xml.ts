import { XMLParser, XMLValidator } from "fast-xml-parser"
import { readRegular } from "../src/core/regular-file.js"
import { numberOfText } from "../src/json/quoted-number.js"
import type { FaultLog } from "./faults.js"
import type { FolderFiles } from "./folder-files.js"
import { decodeText } from "./text.js"

/** A VOC annotation file as its numbers stand there. */
export interface VocAnnotation {
  /** The file name the annotation gives, or an empty text. */
  readonly filename: string
  /** 0 when the file does not tell. */
  readonly width: number
  readonly height: number
  readonly objects: readonly VocObject[]
}

export interface VocObject {
  readonly name: string
  readonly difficult: boolean
  /** xmin, ymin, xmax, ymax; not a number where the file has none. */
  readonly corners: readonly [number, number, number, number]
  /** Why it has none. */
  readonly problem?: string
}

// Values stay text: a class "007" must not become 7. Python's writers turn letters beyond ASCII into numeric entities,
// which this parser counts as HTML's.
const parser = new XMLParser({
  parseTagValue: false,
  htmlEntities: true,
  removeNSPrefix: true,
  isArray: (name) => name === "object",
})

/**
 * Parses the bytes of a VOC annotation, in the encoding that they declare.
 * @throws Error with one line that says what is wrong, when it is no well-formed VOC annotation
 */
function parseVocXml(bytes: Uint8Array): VocAnnotation {
  const text = decodeText(bytes)
  if (text.includes("<!ENTITY")) throw new Error("it declares entities, which no VOC file needs")
  const validity = XMLValidator.validate(text)
  if (validity !== true) throw new Error(`line ${validity.err.line}: ${validity.err.msg}`)
  const root = fields(parser.parse(text)).annotation
  if (root === undefined) throw new Error("it has no <annotation> element")
  const annotation = fields(root)
  const size = fields(annotation.size)
  const objects = Array.isArray(annotation.object) ? annotation.object : []
  return {
    filename: textOf(annotation.filename),
    width: sizeOf(size.width),
    height: sizeOf(size.height),
    objects: objects.map(parseObject),
  }
}

/** Reads an annotation file; `undefined`, and a fault, for one that is missing or broken. */
export function readAnnotation(
  annotations: FolderFiles,
  name: string,
  where: string,
  log: FaultLog,
): VocAnnotation | undefined {
  const path = annotations.find(name, where)
  if (path === undefined) {
    log.report("broken-annotation", where, "the annotation file is missing")
    return undefined
  }
  try {
    return parseVocXml(readRegular(path))
  } catch (error) {
    log.report("broken-annotation", where, (error as Error).message.replaceAll(/\s+/g, " "))
    return undefined
  }
}

function parseObject(value: unknown): VocObject {
  const object = fields(value)
  const box = fields(object.bndbox)
  const corners = [numberOf(box.xmin), numberOf(box.ymin), numberOf(box.xmax), numberOf(box.ymax)] as const
  const problem = boxProblem(object, box)
  const difficult = /^(1(\.0*)?|true|yes)$/i.test(textOf(object.difficult).trim())
  return { name: textOf(object.name).trim(), difficult, corners, ...(problem && { problem }) }
}

/** What is in the place of a box. */
function boxProblem(
  object: Readonly<Record<string, unknown>>,
  box: Readonly<Record<string, unknown>>,
): string | undefined {
  if (Array.isArray(object.bndbox)) return `the object has ${object.bndbox.length} <bndbox>, expected one`
  if (object.bndbox === undefined || object.bndbox === "") {
    const other = ["robndbox", "polygon", "mask"].find((name) => name in object)
    return `the object has no <bndbox>${other === undefined ? "" : `, only a <${other}>`}`
  }
  const missing = ["xmin", "ymin", "xmax", "ymax"].find((name) => !(name in box))
  return missing === undefined ? undefined : `the object's <bndbox> has no <${missing}>`
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {}
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : ""
}

function numberOf(value: unknown): number {
  return typeof value === "string" ? numberOfText(value) : Number.NaN
}

function sizeOf(value: unknown): number {
  const size = numberOf(value)
  return size > 0 ? Math.round(size) : 0
}
