import { main } from "../src/cli/main.js"

process.exitCode = await main(["quickstart", ...process.argv.slice(2)])
