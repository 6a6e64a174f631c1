import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { rolldown } from "rolldown"
import { packageFolder } from "../src/core/own-package.js"
import { gradientsPath } from "../src/engine/start.js"

// TensorFlow.js's core has its gradients, and the methods of tensors that tfjs-node calls, as modules that only bundlers load; the
// package that has them in a form for Node brings 220 MB with it. This makes one file of them. What they share with the
// core, the engine and its tables, is global.

const core = join(dirname(createRequire(import.meta.url).resolve("@tensorflow/tfjs-core/package.json")), "dist")
const parts = ["register_all_gradients.js", "public/chained_ops/register_all_chained_ops.js"]
const entry = "all-of-them"
const bundle = await rolldown({
  input: entry,
  platform: "node",
  plugins: [
    {
      name: entry,
      resolveId: (id) => (id === entry ? id : null),
      load: (id) =>
        id === entry ? parts.map((part) => `import ${JSON.stringify(join(core, part))}`).join("\n") : null,
    },
  ],
})
await bundle.write({ file: join(packageFolder(), gradientsPath), format: "cjs", exports: "none" })
