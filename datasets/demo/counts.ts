/** How large a demo set is, and which. Apart, so that a command's help loads no images. */
export const demoCounts = { images: 600, valImages: 150, seed: 0 } as const
