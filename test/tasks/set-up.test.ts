import { expect, test } from "vitest"
import { setUp } from "../../src/tasks/set-up.js"

test("offline, nothing is set up", async () => {
  await expect(setUp({ offline: true })).rejects.toMatchObject({
    exitCode: 2,
    message: expect.stringContaining("--offline forbids"),
  })
})

test("two builds at once are refused", async () => {
  await expect(setUp({ gpu: true, cpu: true })).rejects.toThrow("expected --gpu or --cpu, got both")
})
