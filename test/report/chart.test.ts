import { expect, test } from "vitest"
import { escapeHtml, formatNumber, lineChart, niceTicks } from "../../src/report/chart.js"

const pointsOf = (html: string) =>
  [...html.matchAll(/<polyline points="([^"]*)"/g)].map(([, points]) =>
    points!
      .split(" ")
      .filter((place) => place !== "")
      .map((place) => place.split(",").map(Number)),
  )

test("ticks are round, evenly apart and enclose the values", () => {
  expect(niceTicks(0, 0.83)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1])
  expect(niceTicks(0, 2.45)).toEqual([0, 0.5, 1, 1.5, 2, 2.5])
  expect(niceTicks(0, 0.01)).toEqual([0, 0.002, 0.004, 0.006, 0.008, 0.01])
  expect(niceTicks(-0.5, 1)).toEqual([-0.5, 0, 0.5, 1])
  expect(niceTicks(0, 0)).toEqual([0, 0.2])
  expect(niceTicks(-7, -7).at(0)).toBeLessThanOrEqual(-7)
})

test("a higher value is drawn higher, a later one further right, and 0 on the lowest line", () => {
  const [[first, second, third] = []] = pointsOf(
    lineChart({
      title: "t",
      along: "step",
      lines: [
        {
          name: "a",
          points: [
            [1, 1],
            [2, 0],
            [3, 2],
          ],
        },
      ],
    }),
  )
  expect([first![0]! < second![0]!, second![0]! < third![0]!]).toEqual([true, true])
  expect([third![1]! < first![1]!, first![1]! < second![1]!]).toEqual([true, true])
  expect(first![1]! - third![1]!).toBeCloseTo(second![1]! - first![1]!, 5)
})

test("what is no number is left out and never reaches the drawing", () => {
  const html = lineChart({
    title: "t",
    along: "step",
    lines: [
      {
        name: "a",
        points: [
          [1, Number.NaN],
          [2, Number.POSITIVE_INFINITY],
          [3, 1],
          [Number.NaN, 2],
        ],
      },
    ],
  })
  expect(pointsOf(html)[0]).toHaveLength(1)
  expect(html).not.toMatch(/NaN|Infinity|undefined/)
  expect(html).toContain("<circle")
})

test("without any value a chart says so", () => {
  expect(lineChart({ title: "t", along: "step", lines: [{ name: "a", points: [] }] })).toContain(
    "Nothing measured yet.",
  )
})

test("a long line is thinned to means, which keeps its ends, its level and the file's size", () => {
  const points = Array.from({ length: 300_000 }, (_, i) => [i, i % 2] as const)
  const html = lineChart({ title: "t", along: "step", lines: [{ name: "a", points }] })
  const [drawn = []] = pointsOf(html)
  expect(drawn.length).toBeLessThan(1000)
  expect(html.length).toBeLessThan(20_000)
  expect(new Set(drawn.map(([, y]) => Math.round(y!))).size).toBe(1)
})

test("text is made safe for tags and attributes", () => {
  expect(escapeHtml(`<a href="x">R&B's</a>`)).toBe("&lt;a href=&quot;x&quot;&gt;R&amp;B&#39;s&lt;/a&gt;")
})

test("numbers are printed with four digits, nothing to measure as n/a", () => {
  expect([0.123456, 1234.56, 0, Number.NaN].map(formatNumber)).toEqual(["0.1235", "1235", "0", "n/a"])
})
