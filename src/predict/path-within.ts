import { basename, isAbsolute, relative, sep } from "node:path"

/** The path from `folder` to `file`; a file outside loses the part that leads out, so that output stays inside. */
export function pathWithin(folder: string, file: string): string {
  const path = relative(folder, file)
  if (isAbsolute(path)) return basename(path)
  return path
    .split(sep)
    .filter((part) => part !== "..")
    .join("/")
}
