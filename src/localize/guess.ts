import * as tf from "@tensorflow/tfjs-core"
import { localizationDefaults } from "../eval/imagenet.js"
import { DataError } from "../tensor/errors.js"
import type { OpenClassifier } from "../weights/classifier-file.js"
import type { GuessClasses } from "./localize-dataset.js"
import { viewsOf } from "./view.js"

/**
 * A classifier's five best classes of an image, as the localizer's labels: the whole image, run fully convolutionally at a
 * shorter side of 8/7 of the size it was trained on (256 for 224).
 * @param classes names of the localizer's classes 1..K
 * @throws DataError for a class that the localizer does not know
 * @source ImageNet's localization task counts five guesses; He et al. 2015, section 3.4, for 256 beside 224
 */
export function classifierGuesses(classifier: OpenClassifier, classes: readonly string[]): GuessClasses {
  const { config, network } = classifier
  const labels = classifier.classes.map((name) => {
    const label = classes.indexOf(name) + 1
    if (label === 0)
      throw new DataError(`the classifier's class "${name}" is none of the localizer's. Expected the same`)
    return label
  })
  const options = { view: "dense", sizes: [Math.round((config.size * 8) / 7)] } as const
  return (image) => {
    const [view] = viewsOf(image, options, config.size, config)
    const { pixels, height, width } = view!
    const logits = tf.tidy(() =>
      network
        .forward(tf.tensor4d(pixels, [1, height, width, 3]))
        .dataSync()
        .slice(),
    )
    const order = [...labels.keys()].sort((a, b) => logits[b]! - logits[a]! || a - b)
    return order.slice(0, localizationDefaults.guesses).map((at) => labels[at]!)
  }
}
