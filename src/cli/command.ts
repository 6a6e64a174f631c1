import type { Command } from "commander"

/** What a command's file exports: it describes flags and an action, and loads what is heavy inside the action. */
export interface CommandModule {
  configure(command: Command): void
}

/** A command as `resdet --help` lists it; its file is loaded only when the command is called. */
export interface CommandEntry {
  readonly name: string
  readonly summary: string
  readonly load: () => Promise<CommandModule>
}
