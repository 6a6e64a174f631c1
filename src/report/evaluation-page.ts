import type { ClassReport } from "../eval/class-report.js"
import type { ConfusionMatrix } from "../eval/confusion.js"
import type { ErrorExample, ExampleBox, ExampleImage, Examples } from "../eval/examples.js"
import type { EvalReport } from "../eval/report.js"
import { type TideError, type TideErrors, tideNames } from "../eval/tide.js"
import { escapeHtml } from "./chart.js"
import { precisionRecallFigure } from "./curves.js"
import { figureList, htmlPage, percent } from "./page.js"
import { pageScript } from "./page-script.js"
import { drawnPicture, legend, type Picture } from "./picture.js"

/** What a page of an evaluation shows besides its figures. */
export interface EvaluationPage {
  readonly title: string
  /** What was scored, with which weights or predictions. */
  readonly about: readonly (readonly [name: string, value: string])[]
  readonly report: EvalReport
  /** Pictures of `report.examples`, whole photos by image id; those of errors in their order. */
  readonly wholes: ReadonlyMap<number | string, Picture>
  readonly crops: Readonly<Partial<Record<TideError, readonly (Picture | undefined)[]>>>
  /** Why there are fewer pictures than examples. */
  readonly notice?: string | undefined
}

/** More classes than this make a matrix that nobody reads: then the most frequent confusions are listed. @source ours */
const MATRIX_CLASSES = 30
const LISTED_CONFUSIONS = 15

/** An evaluation as one HTML page that needs nothing else. */
export function evaluationPage({ title, about, report, wholes, crops, notice }: EvaluationPage): string {
  const { confusion, errors, examples } = report
  const parts = [
    figureList([...headline(report), ...about]),
    diagnosis(report),
    notice === undefined ? "" : `<p class="none">${escapeHtml(notice)}</p>`,
    `<h2>Classes</h2>\n${classTable(report)}`,
    `<div class="two"><div><h2>Precision and recall, IoU 0.5</h2>\n${precisionRecallFigure("mean of all classes", report.curve)}</div>\n<div>${errors === undefined ? "" : errorBars(errors)}</div></div>`,
    `<details${report.perClass.length <= 12 ? " open" : ""}><summary>Precision and recall of each class</summary><div class="classes">${report.perClass
      .map(({ name, curve }) => precisionRecallFigure(name, curve))
      .join("\n")}</div></details>`,
    confusion === undefined ? "" : confusionSection(confusion, examples),
    examples === undefined ? "" : pictureSections(examples, wholes, crops),
    `<dialog><h2></h2><ul></ul><form method="dialog"><button>Close</button></form></dialog>`,
  ]
  return htmlPage(title, parts.filter((part) => part !== "").join("\n"), pageScript)
}

function headline({
  images,
  truths,
  ignored,
  detections,
  coco,
  voc,
  metrics,
  bestThreshold: best,
  ...more
}: EvalReport) {
  const figures: (readonly [string, string | undefined])[] = [
    ["COCO AP", percent(coco.AP)],
    ["AP50", percent(coco.AP50)],
    ["AP75", percent(coco.AP75)],
    ["VOC12 mAP", metrics.includes("voc12") && voc[0] ? percent(voc[0].voc12) : undefined],
    ["VOC07 mAP", metrics.includes("voc07") && voc[0] ? percent(voc[0].voc07) : undefined],
    ["LVIS AP", more.lvis && percent(more.lvis.AP)],
    ["Open Images mAP", more.openImages && percent(more.openImages.mAP)],
    ["ImageNet DET mAP", more.imagenetDet && percent(more.imagenetDet.mAP)],
    ["best threshold", best && `${best.score.toFixed(3)} (F1 ${percent(best.f1)})`],
    ["images", String(images)],
    ["objects", ignored > 0 ? `${truths} (${ignored} do not count)` : String(truths)],
    ["detections", String(detections)],
  ]
  return figures
}

function diagnosis({ diagnosis: found }: EvalReport): string {
  if (found.length === 0) return ""
  return `<h2>Diagnosis</h2>\n<ul class="notices">${found.map(({ message }) => `<li>${escapeHtml(message)}</li>`).join("")}</ul>`
}

function classTable(report: EvalReport): string {
  const voc = (["voc12", "voc07"] as const).filter((key) => report.voc.length > 0 && report.metrics.includes(key))
  const columns: readonly (readonly [name: string, digits: number, (one: ClassReport, k: number) => number])[] = [
    ["objects", 0, ({ truths }) => truths],
    ["detections", 0, ({ detections }) => detections],
    ...(["AP", "AP50", "AP75", "APs", "APm", "APl", "AR"] as const).map(
      (key) => [key, 1, (one: ClassReport) => 100 * one[key]] as const,
    ),
    ...voc.map((key) => [key, 1, (_: ClassReport, k: number) => 100 * report.voc[0]!.perClass[k]![key]] as const),
    ["best threshold", 3, ({ bestThreshold }) => bestThreshold?.score ?? Number.NaN],
  ]
  const heading = (name: string) => `<th scope="col"><button type="button">${name}</button></th>`
  const cell = (digits: number, value: number) =>
    Number.isNaN(value) ? `<td data-value="">n/a</td>` : `<td>${value.toFixed(digits)}</td>`
  const rows = report.perClass.map(
    (one, k) =>
      `<tr><th scope="row">${escapeHtml(one.name)}</th>${columns.map(([, digits, value]) => cell(digits, value(one, k))).join("")}</tr>`,
  )
  return `<div class="wide tall"><table class="sortable"><thead><tr>${heading("class")}${columns.map(([name]) => heading(name)).join("")}</tr></thead><tbody>${rows.join("\n")}</tbody></table></div>`
}

function errorBars({ gain, count }: TideErrors): string {
  const most = Math.max(...Object.values(gain), 0.001)
  const bars = tideNames.map((name) => {
    const width = Math.max(0, (100 * gain[name]) / most).toFixed(1)
    return `<span>${name}</span><i style="width:${width}%"></i><span>${(100 * gain[name]).toFixed(1)} (${count[name]})</span>`
  })
  return `<h2>Errors by type</h2>\n<p>Points of AP50 that each costs, and how many there are (TIDE).</p>\n<div class="bars">${bars.join("")}</div>`
}

function confusionSection(confusion: ConfusionMatrix, examples: Examples | undefined): string {
  const { names, counts, scoreThreshold, iouThreshold } = confusion
  const told = `<p>Rows are objects, columns what they were taken for; score ${scoreThreshold.toFixed(3)} or more, IoU ${iouThreshold}. An underlined number names its images.</p>`
  const cell = (truth: number, taken: number) => {
    const count = counts[truth]![taken]!
    if (count === 0) return ""
    const images = examples === undefined ? [] : examples.confused[truth]![taken]!
    if (truth === taken || images.length === 0) return `<span>${count}</span>`
    const label = `${names[truth]} taken for ${names[taken]}: ${count}`
    return `<button type="button" aria-label="${escapeHtml(label)}" data-images="${escapeHtml(JSON.stringify(images))}">${count}</button>`
  }
  if (names.length > MATRIX_CLASSES + 1) return `<h2>Confusions</h2>\n${told}\n${confusionList(confusion, cell)}`
  const rows = counts.map((row, truth) => {
    const sum = row.reduce((all, one) => all + one, 0) || 1
    const cells = row.map(
      (count, taken) =>
        `<td${truth === taken ? "" : ' class="wrong"'} style="--share:${Math.round((70 * count) / sum)}">${cell(truth, taken)}</td>`,
    )
    return `<tr><th scope="row">${escapeHtml(names[truth]!)}</th>${cells.join("")}</tr>`
  })
  const heading = names.map((name) => `<th scope="col"><span>${escapeHtml(name)}</span></th>`).join("")
  return `<h2>Confusions</h2>\n${told}\n<div class="wide"><table class="matrix"><thead><tr><td></td>${heading}</tr></thead><tbody>${rows.join("\n")}</tbody></table></div>`
}

function confusionList({ names, counts }: ConfusionMatrix, cell: (truth: number, taken: number) => string): string {
  const background = names.length - 1
  const pairs = counts.flatMap((row, truth) =>
    row.flatMap((count, taken) => (count > 0 && truth !== taken ? [{ truth, taken, count }] : [])),
  )
  pairs.sort((a, b) => b.count - a.count)
  const table = (heading: string, wanted: (pair: { truth: number; taken: number }) => boolean, told: string) => {
    const rows = pairs.filter(wanted).slice(0, LISTED_CONFUSIONS)
    const text = ({ truth, taken }: { truth: number; taken: number }) =>
      [truth, taken].filter((k) => k !== background).map((k) => escapeHtml(names[k]!))
    const body = rows.map(
      (pair) => `<tr><td>${text(pair).join(` ${told} `)}</td><td>${cell(pair.truth, pair.taken)}</td></tr>`,
    )
    if (rows.length === 0) return ""
    return `<table><thead><tr><th>${heading}</th><th>count</th></tr></thead><tbody>${body.join("\n")}</tbody></table>`
  }
  return `<div class="lists">${[
    table("taken for another class", ({ truth, taken }) => truth !== background && taken !== background, "taken for"),
    table("not found", ({ taken }) => taken === background, ""),
    table("found where nothing is", ({ truth }) => truth === background, ""),
  ].join("\n")}</div>`
}

function pictureSections(examples: Examples, wholes: EvaluationPage["wholes"], crops: EvaluationPage["crops"]): string {
  const images = (title: string, all: readonly ExampleImage[]) => {
    const figures = all.flatMap((image) => {
      const picture = wholes.get(image.imageId)
      return picture === undefined ? [] : [wholeFigure(image, picture)]
    })
    return figures.length === 0 ? "" : `<h2>${title}</h2>\n<div class="pictures">${figures.join("\n")}</div>`
  }
  const errors = tideNames.map((name) => {
    const figures = examples.errors[name].flatMap((example, i) => {
      const picture = crops[name]?.[i]
      return picture === undefined ? [] : [cropFigure(example, picture)]
    })
    return figures.length === 0
      ? ""
      : `<h2>${errorTitles[name]}</h2>\n<div class="pictures crops">${figures.join("\n")}</div>`
  })
  const sections = [
    images(
      "Worst images",
      examples.worst.filter(({ f1 }) => f1 < 1),
    ),
    ...errors,
    images("Best images", examples.best),
  ]
  const shown = sections.filter((section) => section !== "")
  return shown.length === 0 ? "" : [legend, ...shown].join("\n")
}

const errorTitles: Readonly<Record<TideError, string>> = {
  classification: "Wrong class",
  localization: "Box too far off",
  both: "Wrong class and box",
  duplicate: "Found twice",
  background: "Nothing there",
  missed: "Missed",
}

function wholeFigure({ name, f1, right, wrong, missed, boxes }: ExampleImage, picture: Picture): string {
  const figures = `F1 ${percent(f1)}: ${right} right, ${wrong} wrong, ${missed} missed`
  return figure(picture, boxes, `${name}: ${figures}`, WHOLE_ACROSS)
}

function cropFigure({ name, box, truth }: ErrorExample, picture: Picture): string {
  const found = box.score === undefined ? box.label : `${box.label} ${box.score.toFixed(2)}`
  const instead = truth === undefined || truth.label === box.label ? "" : `, object: ${truth.label}`
  return figure(picture, truth === undefined ? [box] : [truth, box], `${found}${instead}, ${name}`, CROP_ACROSS)
}

/** About how long the page shows pictures, in CSS pixels. */
const WHOLE_ACROSS = 420
const CROP_ACROSS = 240

const figure = (picture: Picture, boxes: readonly ExampleBox[], caption: string, across: number) =>
  `<figure>${drawnPicture(picture, boxes, caption, across)}<figcaption>${escapeHtml(caption)}</figcaption></figure>`
