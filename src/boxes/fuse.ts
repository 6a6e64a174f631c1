import type { Boxes, Detections } from "./boxes.js"
import { joinDetections, takeDetections } from "./detections.js"
import { boxArea, iou } from "./iou.js"
import { orderByScore } from "./order.js"

/** Above which IoU a box joins a fused one. @source Solovyev et al. 2019, section 3; `ensemble-boxes`: iou_thr 0.55 */
const fusionIou = 0.55

/** Boxes of one object, and what they come to: the corners' sums, weighted by score, and the scores' sum. */
interface Cluster {
  readonly label: number
  readonly corners: Float64Array
  readonly box: Float64Array
  score: number
  count: number
}

/**
 * Weighted boxes fusion of what several detectors, or one on several views, have found: boxes of a class that overlap become
 * one, where they lie on average, weighted by their scores. Its score is their mean, times the share of the `lists` that
 * have found it where those are fewer than all; every list counts alike.
 * @param lists boxes in one frame, in any order
 * @param threshold above which IoU with a fused box a box joins it: the one that it overlaps most
 * @returns best first; empty boxes are left out
 * @source Solovyev et al. 2019, "Weighted boxes fusion"; their `ensemble-boxes`: conf_type "avg", weights of 1
 */
export function fuseBoxes(lists: readonly Detections[], threshold: number = fusionIou): Detections {
  const { boxes, scores, labels } = joinDetections(lists)
  const ofLabel = new Map<number, Cluster[]>()
  for (const i of orderByScore(scores)) {
    const [score, label] = [scores[i]!, labels[i]!]
    if (!(boxArea(boxes, i) > 0 && score > 0)) continue
    const clusters = ofLabel.get(label) ?? []
    ofLabel.set(label, clusters)
    const nearest = nearestOf(clusters, boxes, i, threshold)
    if (nearest === undefined) clusters.push(join(emptyCluster(label), boxes, i, score))
    else join(nearest, boxes, i, score)
  }
  const fused = [...ofLabel.values()].flat()
  // The mean of all scores of a cluster, lowered where fewer boxes than lists are in it.
  const meanScore = ({ score, count }: Cluster) => ((score / count) * Math.min(lists.length, count)) / lists.length
  const found = {
    boxes: Float32Array.from(fused.flatMap(({ box }) => [...box])),
    scores: Float32Array.from(fused, meanScore),
    labels: Int32Array.from(fused, ({ label }) => label),
  }
  return takeDetections(found, orderByScore(found.scores))
}

const emptyCluster = (label: number): Cluster => {
  return { label, corners: new Float64Array(4), box: new Float64Array(4), score: 0, count: 0 }
}

function join(cluster: Cluster, boxes: Boxes, i: number, score: number): Cluster {
  cluster.score += score
  cluster.count++
  for (let k = 0; k < 4; k++) {
    cluster.corners[k]! += score * boxes[4 * i + k]!
    cluster.box[k] = cluster.corners[k]! / cluster.score
  }
  return cluster
}

function nearestOf(clusters: readonly Cluster[], boxes: Boxes, i: number, threshold: number): Cluster | undefined {
  let [nearest, best]: [Cluster | undefined, number] = [undefined, threshold]
  for (const cluster of clusters) {
    const overlap = iou(cluster.box, 0, boxes, i)
    if (overlap > best) [nearest, best] = [cluster, overlap]
  }
  return nearest
}
