import { XMLValidator } from "fast-xml-parser"
import { expect, test } from "vitest"
import { type ReportInput, runReport } from "../../src/train/report.js"

const losses = { loss: 1, loss_objectness: 0.1, loss_rpn_box_reg: 0.2, loss_classifier: 0.3, loss_box_reg: 0.4 }

const run: ReportInput = {
  title: "train1",
  model: "fasterrcnn_resnet18_c4",
  classes: ["cat", "dog"],
  best: 0.625,
  steps: [20, 40].map((step) => ({ step, rate: 0.01, stepMs: 800, dataMs: 8, bytes: 2 ** 30, ...losses })),
  epochs: [
    { epoch: 1, ...losses, voc12: 0.5, AP: Number.NaN },
    { epoch: 2, ...losses, voc12: 0.625, AP: 0.25 },
    { epoch: 3, ...losses },
  ],
  config: { config: { lr: 0.01 } },
}

test("a report shows each loss, the rate, the times and every validation figure", () => {
  const html = runReport(run)
  for (const name of ["objectness", "rpn_box_reg", "classifier", "box_reg", "sum", "rate", "waiting for data"]) {
    expect(html).toContain(`</i>${name} <b>`)
  }
  expect(html).toContain("</i>classifier <b>0.3</b>")
  expect(html).toContain("</i>step <b>0.8</b>")
  expect(html).toContain("</i>voc12 <b>0.625</b>")
  expect(html).toContain("1.0 % of the time")
  expect(html).toContain("<dd>1.0 GB</dd>")
  expect(html).toContain("lr: 0.01")
})

test("the best epoch is the one that holds the best value, in the figures, the table and the curve", () => {
  const html = runReport(run)
  expect(html).toContain("<dt>best voc12</dt><dd>0.6250</dd>")
  expect(html).toContain("<dt>best epoch</dt><dd>2</dd>")
  expect(html).toMatch(/<tr class="best"><td>2<\/td>/)
  expect(html.match(/class="best"/g)).toHaveLength(1)
  expect(html).toContain(">best voc12</text>")
  expect(runReport({ ...run, best: null })).not.toContain('class="best"')
})

test("what was not measured is an empty cell, what had nothing to measure is n/a", () => {
  const html = runReport(run)
  expect(html).toMatch(/<td>0\.5000<\/td><td>n\/a<\/td><\/tr>/)
  expect(html).toMatch(/<td>3<\/td>.*<td><\/td><td><\/td><\/tr>/)
})

test("losses of validation have a chart and a column of their own, and are no figures to choose the best by", () => {
  const epochs = run.epochs.map((row) => ({
    ...row,
    val_loss: 0.875,
    val_loss_objectness: 0.5,
    gradNorm: 3,
    rate: 0.01,
    seconds: 9,
  }))
  const html = runReport({ ...run, epochs })
  expect(html).toContain("Losses in validation")
  expect(html).toContain("<td>0.8750</td></tr>")
  expect(html).not.toMatch(/<th>(seconds|gradNorm|val_loss_objectness)/)
  expect(runReport(run)).not.toContain("Losses in validation")
})

test("a report fetches nothing, runs nothing, and knows light, dark and paper", () => {
  const html = runReport(run)
  expect(html).not.toMatch(/<script|<link|https?:|@import|url\(|src=/)
  expect(html).toContain("prefers-color-scheme: dark")
  expect(html).toContain("@media print")
})

test("names and options cannot break out of the page", () => {
  const evil = `</pre><img src=x onerror="a('&')">`
  const input = { ...run, title: evil, model: evil, classes: [evil], config: { data: evil } }
  const epochs = run.epochs.map((row) => ({ ...row, [evil]: 1 }))
  const html = runReport({ ...input, epochs })
  expect(html).not.toContain("<img")
  expect(html.match(/&lt;\/pre&gt;/g)!.length).toBeGreaterThan(5)
})

test("every tag is closed", () => {
  const body = runReport(run).replace("<!doctype html>", "")
  expect(XMLValidator.validate(body.replaceAll(/<meta[^>]*>/g, ""))).toBe(true)
})

test("a run that has done nothing yet has a report too", () => {
  const html = runReport({ ...run, steps: [], epochs: [], best: null, config: undefined })
  expect(html).toContain("No epoch is done yet.")
  expect(html).not.toMatch(/NaN|undefined/)
})

test("a report shows what the run began with, and its pictures with their boxes", () => {
  const picture = { jpeg: new Uint8Array([1, 2, 3]), region: [0, 0, 40, 30] } as const
  const box = { kind: "object", label: "R&B", bbox: [1, 2, 10, 10] } as const
  const found = { kind: "wrong", label: "cat", score: 0.5, bbox: [3, 4, 10, 10] } as const
  const html = runReport({
    ...run,
    config: {
      config: { lr: 0.01, sizes: [1, 2] },
      model: { norm: "frozen" },
      loaded: "w: <b>",
      environment: { cores: 2 },
    },
    pictures: {
      batch: [{ caption: "a & b", picture, boxes: [box] }],
      validation: { worst: [{ caption: "bad", picture, boxes: [found] }], best: [] },
    },
  })
  expect(html).toMatch(/as the network saw it<\/h2>.*<figcaption>a &amp; b<\/figcaption>/s)
  expect(html).toContain('aria-label="a &amp; b"')
  expect(html).toContain(">R&amp;B</text>")
  expect(html).toMatch(/Validation: the worst<\/h2>.*<title>wrong detection: cat 0.50<\/title>/s)
  expect(html).not.toContain("Validation: the best")
  expect(html).toContain("sizes:\n  - 1\n  - 2\n")
  expect(html).toContain("norm: frozen")
  expect(html).toContain("w: &lt;b&gt;")
  expect(html).toContain("<dt>cores</dt><dd>2</dd>")
  expect(XMLValidator.validate(`<div>${trainingPicturesOf(html)}</div>`)).toBe(true)
})

const trainingPicturesOf = (html: string) => html.slice(html.indexOf("<h2>The first batch"), html.indexOf("<h2>Epochs"))

test("losses that a run does not have are no lines and no columns", () => {
  const html = runReport({
    ...run,
    steps: [{ step: 20, loss: 1, loss_classifier: 1 }],
    epochs: [{ epoch: 1, loss: 1 }],
  })
  expect(html).not.toContain("rpn_box_reg")
  expect(html).not.toContain("<th>classifier</th>")
})
