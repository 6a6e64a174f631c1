import { defineConfig } from "vitest/config"

// One worker a core would load TensorFlow (800 MB of library) twice over and fight for the threads it uses itself.
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/support/build.ts",
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
