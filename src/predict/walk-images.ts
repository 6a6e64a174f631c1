import { readdirSync, realpathSync, statSync } from "node:fs"
import { join } from "node:path"
import { isImageName, type SourceImage } from "./source-image.js"
import { uniqueStems } from "./unique-stems.js"

/** The images below a folder, in the order of their names, holding the listing of one branch of folders at a time. */
export async function* walkImages(
  root: string,
  inner = "",
  above: readonly string[] = [],
): AsyncGenerator<SourceImage> {
  const folder = join(root, inner)
  const real = realpathSync(folder)
  // A link to a folder above would never end.
  if (above.includes(real)) return
  const { files, folders } = listing(folder)
  const stems = uniqueStems(files)
  for (const [i, name] of files.entries()) {
    yield { file: join(folder, name), path: `${inner}${name}`, stem: `${inner}${stems[i]!}` }
  }
  for (const name of folders) yield* walkImages(root, `${inner}${name}/`, [...above, real])
}

function listing(folder: string): { files: string[]; folders: string[] } {
  const files: string[] = []
  const folders: string[] = []
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    // A link that leads nowhere is kept as a file: it is then reported as unreadable.
    const what = entry.isSymbolicLink() ? statSync(join(folder, entry.name), { throwIfNoEntry: false }) : entry
    if (what?.isDirectory()) folders.push(entry.name)
    else if (isImageName(entry.name)) files.push(entry.name)
  }
  return { files: files.sort(), folders: folders.sort() }
}
