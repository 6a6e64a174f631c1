import type { CompletedCommand } from "./completion-tree.js"

export const shells = ["bash", "zsh", "fish"] as const

/** The shell's code that completes resdet's command lines: it knows every command and flag, and starts nothing to tell them. */
export const completionScripts: Readonly<
  Record<(typeof shells)[number], (tree: readonly CompletedCommand[]) => string>
> = { bash: bashScript, zsh: zshScript, fish: fishScript }

/** A text in single quotes, for any of the shells. */
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`

/** Fish takes a backslash before a quote within quotes. */
const quotedForFish = (text: string) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`

const isNamed = (name: string) => name !== ""

/** The names of all commands, as alternatives of a `case`. */
const allNames = (tree: readonly CompletedCommand[]) =>
  tree.flatMap(({ names }) => names.filter(isNamed).map(quoted)).join("|")

/** The alternatives of a `case` for a command's flag. */
const flagPattern = (names: readonly string[], flag: string) => names.map((name) => quoted(`${name} ${flag}`)).join("|")

/** Shell code, in bash and zsh alike, that finds which command a line is of. @param last the place of the word to complete */
const findCommand = (tree: readonly CompletedCommand[], first: number, last: string, at: string) => `
  for ((i = ${first}; i < ${last}; i++)); do
    case "\${command:+$command }${at}" in
      ${allNames(tree)}) command="\${command:+$command }${at}" ;;
    esac
  done`

/** What follows a flag: words for it, or `files`. */
function afterFlags(tree: readonly CompletedCommand[], words: (choices: readonly string[]) => string, files: string) {
  return tree.flatMap(({ names, flags }) =>
    flags
      .filter(({ takesValue }) => takesValue)
      .map(({ name, choices }) => {
        return `    ${flagPattern(names, name)}) ${choices.length > 0 ? words(choices) : files}; return ;;`
      }),
  )
}

function bashScript(tree: readonly CompletedCommand[]): string {
  const words = ({ commands, flags, operands }: CompletedCommand) => [
    ...commands.map(({ name }) => name),
    ...operands,
    ...flags.map(({ name }) => name),
  ]
  const reply = (choices: readonly string[]) => `COMPREPLY=($(compgen -W ${quoted(choices.join(" "))} -- "$current"))`
  return `# resdet's completion for bash: eval "$(resdet completion bash)", as a line of ~/.bashrc
_resdet() {
  local i command= words= current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]}
  # Bash takes --flag=value for three words.
  if [[ $current == = ]]; then current=; elif [[ $previous == = ]]; then previous=\${COMP_WORDS[COMP_CWORD-2]}; fi
${findCommand(tree, 1, "COMP_CWORD", `\${COMP_WORDS[i]}`).slice(1)}
  # Where nothing is replied, bash completes names of files.
  COMPREPLY=()
  case "$command $previous" in
${afterFlags(tree, reply, ":").join("\n")}
  esac
  case "$command" in
${tree.map((one) => `    ${one.names.map(quoted).join("|")}) words=${quoted(words(one).join(" "))} ;;`).join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o bashdefault -o default -F _resdet resdet
`
}

function zshScript(tree: readonly CompletedCommand[]): string {
  const described = ({ commands, flags, operands }: CompletedCommand) =>
    [...commands, ...operands.map((name) => ({ name, help: "" })), ...flags].map(({ name, help }) =>
      quoted(`${name.replaceAll(":", "\\:")}:${help}`),
    )
  const lists = tree.map((one) => `    ${one.names.map(quoted).join("|")}) list=(${described(one).join(" ")}) ;;`)
  return `#compdef resdet
# resdet's completion for zsh: a file _resdet in a folder of $fpath; or, behind compinit, source <(resdet completion zsh)
_resdet() {
  local i command= previous=\${words[CURRENT-1]}
  local -a list
${findCommand(tree, 2, "CURRENT", `\${words[i]}`).slice(1)}
  case "$command $previous" in
${afterFlags(tree, (choices) => `compadd -- ${choices.map(quoted).join(" ")}`, "_files").join("\n")}
  esac
  case "$command" in
${lists.join("\n")}
  esac
  if [[ \${words[CURRENT]} != -* && "\${list[1]}" == -* ]]; then _files; else _describe -V resdet list; fi
}
if [[ $funcstack[1] == _resdet ]]; then _resdet "$@"; else compdef _resdet resdet; fi
`
}

function fishScript(tree: readonly CompletedCommand[]): string {
  const names = tree.flatMap((one) => one.names.filter(isNamed)).map(quotedForFish)
  const lines = tree.flatMap(({ names: own, commands, flags, operands }) =>
    own.flatMap((name) => {
      const here = `complete -c resdet -n ${quotedForFish(`__resdet_at ${name}`.trim())}`
      const words = [...commands, ...operands.map((operand) => ({ name: operand, help: "" }))]
      return [
        ...words.map((one) => `${here} -f -a ${quotedForFish(one.name)} -d ${quotedForFish(one.help)}`),
        ...flags.map(({ name: flag, help, takesValue, choices }) => {
          const value = choices.length > 0 ? ` -x -a ${quotedForFish(choices.join(" "))}` : takesValue ? " -r -F" : ""
          return `${here} -l ${flag.slice(2)}${value} -d ${quotedForFish(help)}`
        }),
      ]
    }),
  )
  return `# resdet's completion for fish: resdet completion fish > ~/.config/fish/completions/resdet.fish
function __resdet_at
  set -l command ''
  for word in (commandline -opc)[2..-1]
    set -l next (string trim -- "$command $word")
    if contains -- "$next" ${names.join(" ")}
      set command "$next"
    end
  end
  test "$command" = "$argv"
end
${lines.join("\n")}
`
}
