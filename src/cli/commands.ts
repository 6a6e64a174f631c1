import type { CommandEntry } from "./command.js"

/** Every command of `resdet`, in the order the help lists them. A command is added here, by one line. */
export const commands: readonly CommandEntry[] = []
