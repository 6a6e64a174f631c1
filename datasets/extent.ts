/** The smallest box around points. */
export function extentOf(points: readonly (readonly [x: number, y: number])[]): [number, number, number, number] {
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)]
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)]
}

/** The box around a circle. */
export function circleBox([x, y]: readonly [number, number], radius: number): [number, number, number, number] {
  return [x - radius, y - radius, x + radius, y + radius]
}
