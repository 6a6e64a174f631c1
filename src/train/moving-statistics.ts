import * as tf from "@tensorflow/tfjs-core"
import type { Parameters } from "../core/parameters.js"

/** The running statistics that training moves, by name: those of batch norms that train. */
export function movingStatistics(parameters: Parameters): ReadonlyMap<string, tf.Variable> {
  const found = [...parameters].filter(({ name, kind }) => {
    const norm = /^(.*\.)running_(mean|var)$/.exec(name)?.[1]
    return kind === "statistic" && norm !== undefined && parameters.get(`${norm}weight`)?.trainable === true
  })
  return new Map(found.map(({ name, variable }) => [name, variable]))
}

/** Running statistics as they travel with the gradients, under names that no gradient has; a process without a batch adds nothing. */
export function statisticsToSum(statistics: ReadonlyMap<string, tf.Variable>, hasBatch: boolean): tf.NamedTensorMap {
  const named = [...statistics].map(([name, variable]) => [key(name), hasBatch ? variable : tf.zerosLike(variable)])
  return Object.fromEntries(named) as tf.NamedTensorMap
}

/** Sets the statistics to the mean over so many processes, which those with a batch in this step are. */
export function takeMeans(
  statistics: ReadonlyMap<string, tf.Variable>,
  sums: tf.NamedTensorMap,
  processes: number,
): void {
  tf.tidy(() => {
    for (const [name, variable] of statistics) variable.assign(tf.div(sums[key(name)]!, processes))
  })
}

const key = (name: string) => `statistic ${name}`
