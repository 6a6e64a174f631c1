/**
 * The last run of digits in the name of an image, without folder and ending: 139 for `000000000139` (COCO 2017),
 * `COCO_val2014_000000000139` (2014, 2015) and `frame 139 left`. NaN without any.
 */
export function numberInName(stem: string): number {
  return Number(/(?<!\d)(\d+)\D*$/.exec(stem)?.[1] ?? Number.NaN)
}
