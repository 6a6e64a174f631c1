import { MessageChannel, receiveMessageOnPort } from "node:worker_threads"
import Module, { register } from "node:module"
import { writeFileSync } from "node:fs"

// Imported before a program: writes the files of the modules that it has loaded to LOADED_MODULES, one a line, when it ends.

const { port1, port2 } = new MessageChannel()
port1.unref()
const hooks = `
let port
export const initialize = (data) => { port = data }
export async function load(url, context, next) {
  if (url.startsWith("file:")) port.postMessage(url)
  return next(url, context)
}`
register(`data:text/javascript,${encodeURIComponent(hooks)}`, { data: port2, transferList: [port2] })

process.on("exit", () => {
  const loaded = new Set(Object.keys(Module._cache))
  for (let one = receive(); one; one = receive()) loaded.add(new URL(one.message).pathname)
  writeFileSync(process.env.LOADED_MODULES, [...loaded].join("\n"))
})

const receive = () => receiveMessageOnPort(port1)
