/** Class names as names of files and folders, no two alike on any system: what a path cannot hold becomes `_`. */
export function safeNames(names: readonly string[]): string[] {
  const used = new Set<string>()
  return names.map((name) => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: Windows refuses them in file names
    const safe = name.replace(/[\\/:*?"<>|\u0000-\u001f]/g, "_").replace(/^\.+|(?<![. ])[. ]+$/g, "_") || "_"
    let free = safe
    for (let again = 2; used.has(free.toLowerCase()); again++) free = `${safe}-${again}`
    used.add(free.toLowerCase())
    return free
  })
}
