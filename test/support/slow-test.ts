import { test } from "vitest"

/**
 * A test that takes ten seconds and more, and whose parts faster ones look at as well: with RESDET_TEST_SLOW=1, as in continuous
 * integration.
 */
export const slowTest: typeof test = (process.env.RESDET_TEST_SLOW === "1" ? test : test.skip) as typeof test
