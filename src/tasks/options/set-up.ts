import { z } from "zod"
import { option } from "../option.js"
import { offline } from "./shared.js"

export const setUpSchema = z.strictObject({
  libtensorflow: option(z.string().optional(), {
    help: "a TensorFlow wheel, or a folder with include/ and the libraries, that you already have",
    path: "single",
    otherwise: "downloaded with pip",
  }),
  gpu: option(z.boolean().optional(), { help: "the CUDA build", otherwise: "where an NVIDIA driver is loaded" }),
  cpu: option(z.boolean().optional(), { help: "the CPU build" }),
  webgpu: option(z.boolean().optional(), {
    help: "also Dawn, for --engine webgpu",
    otherwise: "where there is no native TensorFlow, such as on macOS and Windows",
  }),
  web: option(z.boolean().default(false), {
    help: "also ONNX Runtime for browsers (41 MB), which export --format web puts into its folder",
  }),
  cache: option(z.string().optional(), {
    help: "cache folder",
    value: "folder",
    path: "single",
    otherwise: "RESDET_CACHE or the user's cache folder",
  }),
  strict: option(z.boolean().default(false), {
    help: "exit 1 also on machines for which there is no native TensorFlow, such as macOS and Windows",
  }),
  offline: offline(),
})

export type SetUpOptions = z.input<typeof setUpSchema>
