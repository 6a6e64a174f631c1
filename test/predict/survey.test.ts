import { expect, test } from "vitest"
import { surveyImages } from "../../src/predict/survey.js"

async function survey(...stems: string[]) {
  async function* images() {
    for (const stem of stems) yield { file: `/${stem}.jpg`, path: `${stem}.jpg`, stem }
  }
  return surveyImages(images())
}

test("numbers of their own are ids, with or without leading zeros", async () => {
  expect(await survey("000139", "sub/7", "8")).toEqual({ count: 3, numericNames: true })
})

test.each([
  ["a name with letters", ["1", "a2"]],
  ["a number twice", ["1", "sub/1"]],
  ["one number written in two ways", ["1", "01"]],
  ["a number too long to be exact", ["90071992547409930"]],
])("%s makes no ids", async (_, stems) => {
  expect(await survey(...stems)).toEqual({ count: stems.length, numericNames: false })
})
