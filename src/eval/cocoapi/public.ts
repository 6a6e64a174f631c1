/**
 * The `COCO` and `COCOeval` of pycocotools.
 *
 * @module resdet/cocoapi
 */
export { type AnnotationFilter, type BytesSource, type CategoryFilter, COCO } from "./coco.js"
export { COCOeval, type CocoEvalResult } from "./coco-eval.js"
export type { ImageEvaluation } from "./evaluate-image.js"
export { Params } from "./params.js"
export type { CocoAnnotation, CocoCategory, CocoDataset, CocoId, CocoImage, CocoResult } from "./records.js"
