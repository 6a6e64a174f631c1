/** A convolution's sizes: `x [count, rows, columns, channels]`, `filter [height, width, channels, out]`. */
export interface ConvolutionCase {
  readonly count: number
  readonly rows: number
  readonly columns: number
  readonly channels: number
  readonly height: number
  readonly width: number
  readonly out: number
  readonly stride: number
  readonly padding: number
  readonly dilation: number
}

/** Output and gradients (of `sum(y * dy)`) of a convolution without bias, by the definition, in double precision. */
export function naiveConvolution(sizes: ConvolutionCase, x: ArrayLike<number>, filter: ArrayLike<number>) {
  const { count, rows, columns, channels, height, width, out, stride, padding, dilation } = sizes
  const rowsOut = Math.floor((rows + 2 * padding - dilation * (height - 1) - 1) / stride) + 1
  const columnsOut = Math.floor((columns + 2 * padding - dilation * (width - 1) - 1) / stride) + 1
  const shape = [count, rowsOut, columnsOut, out]

  /** Calls `visit` with the flat positions of every product `y += x * filter`. */
  function products(visit: (y: number, x: number, filter: number) => void): void {
    for (let n = 0; n < count; n++)
      for (let i = 0; i < rowsOut; i++)
        for (let j = 0; j < columnsOut; j++)
          for (let k = 0; k < height; k++)
            for (let l = 0; l < width; l++) {
              const row = i * stride + k * dilation - padding
              const column = j * stride + l * dilation - padding
              if (row < 0 || row >= rows || column < 0 || column >= columns) continue
              for (let c = 0; c < channels; c++)
                for (let o = 0; o < out; o++)
                  visit(
                    ((n * rowsOut + i) * columnsOut + j) * out + o,
                    ((n * rows + row) * columns + column) * channels + c,
                    ((k * width + l) * channels + c) * out + o,
                  )
            }
  }

  const y = new Float64Array(count * rowsOut * columnsOut * out)
  products((at, from, by) => {
    y[at]! += x[from]! * filter[by]!
  })
  return {
    shape,
    y,
    gradients(dy: ArrayLike<number>) {
      const dx = new Float64Array(x.length)
      const dFilter = new Float64Array(filter.length)
      const dBias = new Float64Array(out)
      products((at, from, by) => {
        dx[from]! += dy[at]! * filter[by]!
        dFilter[by]! += dy[at]! * x[from]!
      })
      for (let at = 0; at < dy.length; at++) dBias[at % out]! += dy[at]!
      return { dx, dFilter, dBias }
    },
  }
}
