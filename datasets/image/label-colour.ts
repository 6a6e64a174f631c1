/** 0..255 each. */
export type Colour = readonly [red: number, green: number, blue: number]

/** A colour for a class 1..K: bright, and far in hue from its neighbours'. */
export function labelColour(label: number): Colour {
  const hue = (label * 137.508) % 360
  const value = label % 2 === 0 ? 0.85 : 1
  return [5, 3, 1].map((shift) => {
    const k = (shift + hue / 60) % 6
    return Math.round(255 * value * (1 - 0.85 * Math.max(0, Math.min(k, 4 - k, 1))))
  }) as unknown as Colour
}

/** Black or white, whichever is read better on a colour. @source ITU-R BT.601's luma */
export const inkOn = ([red, green, blue]: Colour): Colour =>
  0.299 * red + 0.587 * green + 0.114 * blue > 120 ? [0, 0, 0] : [255, 255, 255]
