/**
 * Overlap of the detection at `i` in `a` with the truth at `j` in `b` (x, y, width, height), no "+1"; with a crowd, the
 * share of the detection that lies inside it. The order of operations is that of pycocotools' C code, so the doubles are
 * the same.
 * @source pycocotools common/maskApi.c bbIou
 */
export function overlap(a: Float64Array, i: number, b: Float64Array, j: number, crowd: boolean): number {
  const w = a[i + 2]!
  const h = a[i + 3]!
  const tw = b[j + 2]!
  const th = b[j + 3]!
  const width = Math.min(w + a[i]!, tw + b[j]!) - Math.max(a[i]!, b[j]!)
  if (!(width > 0)) return 0
  const height = Math.min(h + a[i + 1]!, th + b[j + 1]!) - Math.max(a[i + 1]!, b[j + 1]!)
  if (!(height > 0)) return 0
  const shared = width * height
  return shared / (crowd ? w * h : w * h + tw * th - shared)
}
