/** The anchor of a heading, as GitHub makes it, so that a link leads to the same place there and on the site. */
export const headingSlug = (title: string): string =>
  title
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-")
