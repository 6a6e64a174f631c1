/** The metadata keys under which a file tells of its model, as JSON. */
export const metadataKeys = {
  detector: "resdet",
  classifier: "resdet_classifier",
  localizer: "resdet_localizer",
} as const

/** Of what stands there; a file of a newer one is refused. */
export const metadataFormat = 1
