import type { StepReport } from "../train/report-window.js"

/** One line on where training stands: epoch, step, losses, rate, time, memory, time left. */
export function stepLine(report: StepReport, epochs: number): string {
  const { epoch, step, rate, losses, stepMs, dataMs, bytes, secondsLeft } = report
  return [
    `epoch ${epoch}/${epochs}`,
    `step ${step}`,
    lossText(losses),
    `lr ${Number(rate.toPrecision(3))}`,
    `${(stepMs / 1000).toFixed(2)} s/step (data ${(dataMs / 1000).toFixed(2)})`,
    `${(bytes / 2 ** 30).toFixed(1)} GB`,
    `${duration(secondsLeft)} left`,
  ].join("  ")
}

/** One line on what an epoch brought: mean losses, and what validation measured. */
export function epochLine(
  epoch: number,
  epochs: number,
  losses: Readonly<Record<string, number>>,
  metrics: Readonly<Record<string, number>>,
): string {
  const figures = Object.entries(metrics).map(
    ([name, value]) => `${name} ${Number.isNaN(value) ? "n/a" : value.toFixed(4)}`,
  )
  return [`epoch ${epoch}/${epochs} done`, lossText(losses), ...figures].join("  ")
}

/** `loss 1.23 (objectness 0.10, rpn_box_reg 0.05, classifier 0.70, box_reg 0.38)` */
function lossText({ loss, ...parts }: Readonly<Record<string, number>>): string {
  if (loss === undefined) return "no steps"
  const each = Object.entries(parts).map(([name, value]) => `${name.replace(/^loss_/, "")} ${value.toFixed(3)}`)
  return `loss ${loss.toFixed(3)} (${each.join(", ")})`
}

function duration(seconds: number): string {
  const whole = Math.round(seconds)
  const two = (value: number) => String(value).padStart(2, "0")
  return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`
}
