/** A fenced block of a Markdown text. */
export interface FencedBlock {
  /** What stands behind the fence, such as `ts` or `sh`. */
  readonly language: string
  readonly text: string
  /** Line of the fence, from 1. */
  readonly line: number
}

/** The fenced blocks of a Markdown text, in their order. */
export function fencedBlocks(markdown: string): FencedBlock[] {
  const blocks: FencedBlock[] = []
  let open: { language: string; line: number; lines: string[] } | undefined
  for (const [index, line] of markdown.split(/\r?\n/).entries()) {
    const fence = /^\s*```\s*(\S*)/.exec(line)
    if (fence === null) open?.lines.push(line)
    else if (open === undefined) open = { language: fence[1]!, line: index + 1, lines: [] }
    else {
      blocks.push({ language: open.language, line: open.line, text: open.lines.join("\n") })
      open = undefined
    }
  }
  return blocks
}

/** A call of `resdet` in a shell block: the words behind the name. */
export interface ShellCall {
  readonly words: readonly string[]
  readonly line: number
}

/** The calls of `resdet` in the shell blocks, also behind `npx`, `&&` and continued with a backslash;
 * without where their output goes. */
export function resdetCalls(blocks: readonly FencedBlock[]): ShellCall[] {
  const shells = blocks.filter(({ language }) => ["sh", "bash", "shell", "console", ""].includes(language))
  return shells.flatMap(({ text, line }) =>
    text
      .replaceAll("\\\n", " ")
      .split("\n")
      .flatMap((row) =>
        row
          .replace(/^\s*\$ /, "")
          .replace(/(^|\s)#.*$/, "")
          .replaceAll(/\s>>?\s*\S+/g, "")
          .split(/&&|;|\|/),
      )
      .flatMap((command) => {
        const call = /^\s*(?:npx\s+)?(?:resdet|node\s+bin\/resdet\.js)(?:\s+(.*))?$/.exec(command.trimEnd())
        return call === null ? [] : [{ words: wordsOf(call[1] ?? ""), line }]
      }),
  )
}

function wordsOf(text: string): string[] {
  return [...text.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, double, single, bare]) => double ?? single ?? bare!)
}
