import { spawn } from "node:child_process"
import { UserError } from "../core/errors.js"

/** How to call pip here, or undefined. */
export async function findPip(): Promise<readonly [string, ...string[]] | undefined> {
  const ways: [string, ...string[]][] = [["python3", "-m", "pip"], ["pip3"], ["pip"], ["python", "-m", "pip"]]
  for (const way of ways) {
    const [program, ...args] = way
    if ((await run(program, [...args, "--version"])).code === 0) return way
  }
  return undefined
}

/** The C++ compiler of this machine, `CXX` before all, and the first line it says of itself. */
export async function findCompiler(): Promise<{ readonly program: string; readonly version: string } | undefined> {
  for (const program of [process.env.CXX, "g++", "c++", "clang++"]) {
    if (!program) continue
    const { code, output } = await run(program, ["--version"])
    if (code === 0) return { program, version: output.split("\n")[0]!.trim() }
  }
  return undefined
}

/**
 * The compiler the addon is built with: asked for before anything is fetched.
 * @throws UserError when there is none
 */
export async function needCompiler(): Promise<string> {
  const compiler = await findCompiler()
  if (compiler) return compiler.program
  throw new UserError("a C++ compiler was not found: install g++, then run setup again")
}

interface RunOptions {
  readonly cwd?: string
  readonly onLine?: (line: string) => void
  /** Set beside what this process has. */
  readonly env?: Readonly<Record<string, string>>
}

/** A shell's exit code for a program that is not there. */
export const notThere = 127

/** Runs a program and keeps what it says; `output` is stdout and stderr together. */
export function run(
  program: string,
  args: readonly string[],
  { cwd, onLine, env }: RunOptions = {},
): Promise<{ code: number; output: string; stdout: string }> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      ...(cwd && { cwd }),
      ...(env && { env: { ...process.env, ...env } }),
      stdio: ["ignore", "pipe", "pipe"],
    })
    let [output, stdout] = ["", ""]
    const take = (chunk: Buffer) => {
      const text = chunk.toString()
      output += text
      for (const line of text.split(/[\r\n]+/)) if (line.trim()) onLine?.(line.trim())
    }
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString()
      take(chunk)
    })
    child.stderr.on("data", take)
    child.on("error", (error) => resolve({ code: notThere, output: `${output}\n${error.message}`, stdout }))
    child.on("close", (code) => resolve({ code: code ?? 1, output, stdout }))
  })
}
