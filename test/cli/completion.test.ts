import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { runCommand } from "../support/run-command.js"

let folder = ""
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "resdet-completion-"))
  for (const shell of ["bash", "zsh", "fish"]) {
    const { out, said, code } = await runCommand("completion", shell)
    expect({ said, code }).toEqual({ said: "", code: 0 })
    writeFileSync(join(folder, shell), out)
  }
})
afterAll(() => rmSync(folder, { recursive: true }))

/** What a shell offers behind `line`: words, or `files`, where it looks for files. */
const offers = {
  bash: (line: readonly string[]) => {
    const ask = `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _resdet; printf '%s\\n' "\${COMPREPLY[@]:-files}"`
    return spawnSync("bash", ["-c", ask, join(folder, "bash"), ...line], { encoding: "utf8" })
  },
  zsh: (line: readonly string[]) => {
    const stubs = `compdef() {}; _files() { print files }; compadd() { shift; print -l -- $@ }
      _describe() { print -l -- \${(P)3%%:*} }`
    const ask = `${stubs}; source "$0"; words=("$@"); CURRENT=$#; _resdet`
    return spawnSync("zsh", ["-f", "-c", ask, join(folder, "zsh"), ...line], { encoding: "utf8" })
  },
  fish: (line: readonly string[]) => {
    const ask = `cd ${folder}; source fish; complete -C ${JSON.stringify(line.join(" "))}`
    return spawnSync("fish", ["--no-config", "-c", ask], { encoding: "utf8" })
  },
}

/** The names that are offered: fish tells what they are too, and zsh leaves it to itself to choose among them. */
function offered(shell: keyof typeof offers, ...line: string[]): string[] {
  const { stdout, stderr, status } = offers[shell](["resdet", ...line])
  expect({ stderr, status }).toEqual({ stderr: "", status: 0 })
  const names = stdout.split("\n").map((row) => row.split("\t")[0]!)
  return names.filter((name) => name !== "" && name.startsWith(line.at(-1)!))
}

const isThere = (shell: string) => spawnSync(shell, ["-c", "true"]).status === 0

describe.each(["bash", "zsh", "fish"] as const)("%s, where it is installed,", (shell) => {
  const where = test.skipIf(!isThere(shell))

  where("offers commands, those of a group, and what they are called elsewhere", () => {
    expect(offered(shell, "da")).toEqual(["dataset"])
    expect(offered(shell, "dataset", "c").sort()).toEqual(["check", "convert"])
    expect(offered(shell, "pre")).toEqual(["predict"])
    expect(offered(shell, "completion", "z")).toEqual(["zsh"])
  })

  where("offers a command's own flags, not another's of that name, and none of other tools", () => {
    expect(offered(shell, "dataset", "check", "--fi")).toEqual(["--fix"])
    expect(offered(shell, "train", "--init")).toEqual([])
    expect(offered(shell, "classify", "train", "--rec")).toEqual([])
    expect(offered(shell, "train", "--rec")).toEqual(["--recipe"])
    expect(offered(shell, "predict", "--split", "train", "--max-d")).toEqual(["--max-detections"])
    expect(offered(shell, "detect", "--con")).toEqual(["--config"])
    expect(offered(shell, "detect", "--no-d")).toEqual(["--no-draw"])
  })

  where("offers the words that a flag takes", () => {
    expect(offered(shell, "train", "--engine", "").sort()).toEqual(["auto", "tensorflow", "wasm", "webgpu"])
    expect(offered(shell, "dataset", "convert", "x", "--to", "v")).toContain("voc")
  })
})

test.skipIf(!isThere("bash"))(
  "bash looks for files where a flag takes one, and takes --flag=value for what it is",
  () => {
    expect(offers.bash(["resdet", "detect", "--weights", ""]).stdout).toBe("files\n")
    expect(offers.bash(["resdet", "dataset", "check", "sha"]).stdout).toBe("files\n")
    expect(offered("bash", "train", "--engine", "=", "was")).toEqual(["wasm"])
  },
)
