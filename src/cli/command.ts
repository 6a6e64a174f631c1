import type { Command } from "commander"

/**
 * What a command's file exports: it describes flags and an action, and loads what is heavy inside the action. `words` is
 * what follows the command's name, for a command that has others behind it.
 */
export interface CommandModule {
  configure(command: Command, words?: readonly string[]): void | Promise<void>
}

/** A command as `resdet --help` lists it; its file is loaded only when the command is called. */
export interface CommandEntry {
  readonly name: string
  readonly summary: string
  readonly load: () => Promise<CommandModule>
}
