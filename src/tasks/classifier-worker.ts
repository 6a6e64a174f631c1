import { serveModel } from "../predict/model-worker.js"
import type { ClassGuess } from "./class-lines.js"
import { type ClassifierData, classifierParts, openClassifiers, type TopOptions } from "./load-classifier.js"

// A worker thread that holds a classifier, or several as one.
serveModel<ClassifierData, TopOptions, readonly ClassGuess[]>(async (data) =>
  classifierParts(await openClassifiers(data)),
)
