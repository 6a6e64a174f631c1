import { type Command, Option } from "commander"
import { z } from "zod"
import { type DetectOptions, detectRules } from "../detector/detect-options.js"
import type { Rule } from "../tensor/options.js"
import { atLeastOneFlag, fractionFlag, numberFlag, sidesFlag } from "./flags.js"

/** The flags that say how a detector looks at an image; the same wherever one runs. */
export function addDetectFlags(command: Command): Command {
  return command
    .option("--nms <0..1>", "of two boxes of a class with a higher IoU keep one (default: the model's)", fractionFlag)
    .option("--max-detections <n>", "most detections an image (default: the model's, 100)", atLeastOneFlag)
    .addOption(
      new Option(
        "--soft-nms <how>",
        "score boxes that overlap better ones lower instead of leaving them out: linear, gaussian",
      ).choices(["linear", "gaussian"]),
    )
    .option("--vote", "move each box to the mean of those around it")
    .option("--refine", "look at the boxes that were found again")
    .option("--flip", "look at the mirror image too")
    .option("--scales <sides>", "look at regions at several sizes, as in 400,500,600", sidesFlag)
    .option("--tiles <pixels>", "look at tiles of this side too: small objects in large photos", byRule("tiles"))
    .option(
      "--overlap <0..0.9>",
      "least share of a tile that its neighbour shows too (default: 0.2)",
      byRule("overlap"),
    )
}

const byRule = (name: keyof DetectOptions) => numberFlag(detectRules[name])

/** The same options in a configuration file. */
export const detectShape = Object.fromEntries(
  Object.entries(detectRules).map(([name, rule]) => [name, valueBy(rule).optional()]),
) as { [Name in keyof Required<DetectOptions>]: z.ZodOptional<z.ZodType<Required<DetectOptions>[Name]>> }

function valueBy(rule: Rule): z.ZodType {
  const expected = ({ input }: { input?: unknown }) => rule(input) ?? ""
  return z.custom((value) => rule(value) === undefined, { error: expected })
}

/** Those of a command's options that say how a detector looks at an image. */
export function detectOptionsOf(
  given: {
    readonly [Name in keyof DetectOptions]?: DetectOptions[Name] | undefined
  },
): DetectOptions {
  return Object.fromEntries(
    Object.entries(given).filter(([name, value]) => Object.hasOwn(detectRules, name) && value !== undefined),
  )
}
