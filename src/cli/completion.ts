import { z } from "zod"
import { option } from "../tasks/option.js"
import { defineCommand } from "./command.js"
import { completionScripts, shells } from "./completion-scripts.js"
import { completionTree } from "./completion-tree.js"

export const command = defineCommand({
  schema: z.strictObject({ shell: option(z.enum(shells), { help: "for which shell: bash, zsh, fish" }) }),
  operands: ["shell"],
  description:
    'print the code by which a shell completes commands and flags. bash: eval "$(resdet completion bash)" in ~/.bashrc; zsh: ' +
    "source <(resdet completion zsh) behind compinit in ~/.zshrc; fish: resdet completion fish > ~/.config/fish/completions/resdet.fish",
  async run({ shell }) {
    const { commands } = await import("./commands.js")
    const script = completionScripts[shell](await completionTree(commands))
    return { text: script.trimEnd(), document: { shell, script } }
  },
})
