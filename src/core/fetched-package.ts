import { existsSync } from "node:fs"
import { join } from "node:path"
import { cacheFolder } from "./own-package.js"

/** An npm package of one version, and the hash of its tarball as npm writes it. */
export interface PinnedPackage {
  readonly name: string
  readonly version: string
  readonly integrity: string
  /** Whether a file of it is of use on this machine. */
  keep(path: string): boolean
}

const { platform, arch } = process

/**
 * Packages that `npm install resdet` leaves out, since they are large, of use to few, or do not install everywhere. They are
 * fetched when they are asked for. The first of a group is the one that is used, the others are those that it needs.
 * @source the tarballs that the npm registry holds
 */
export const fetchedPackages = {
  tfjsNode: [
    {
      name: "@tensorflow/tfjs-node-gpu",
      version: "4.22.0",
      integrity: "sha512-p//NN6DGiN4hInUmIkRffaFVMcdTREUMjPyjW04J7OXvB2zBlQimj61eFKSgRrH3f5TnOfKzb0n56he/B6a4bw==",
      keep: (path) => /^(package\.json|binding\/.*|dist\/.*(?<!_test)\.js)$/.test(path),
    },
    {
      name: "google-protobuf",
      version: "3.21.4",
      integrity: "sha512-MnG7N936zcKTco4Jd2PX2U96Kf9PxygAPKBug+74LHzmHXmceN16MmRcdgZv+DGef/S9YvQAfRsNCn4cjf9yyQ==",
      keep: (path) => /^(package\.json|LICENSE\.md|google-protobuf\.js)$/.test(path),
    },
  ],
  onnxruntime: [
    {
      name: "onnxruntime-node",
      version: "1.30.0",
      integrity: "sha512-twhs1C2C/BFkz1yc5OY0KIU2GUq6DURO7hD4bx5Q2Qy3nAMJwRXW8xU3NVczE29VA9lolLOYepoD8fjTGOfIqw==",
      keep: (path) => /^(package\.json|dist\/.*\.js)$/.test(path) || path.includes(`/${platform}/${arch}/`),
    },
    {
      name: "onnxruntime-common",
      version: "1.30.0",
      integrity: "sha512-7fdVWjAID1dVhH/G8qK3APARunV4VkBFoCQAP7qp4Wkab0mrorvmc+sqiT+mKXOzDqdjN5j+/Z9nb4gzNPWcyA==",
      keep: (path) => /^(package\.json|dist\/cjs\/.*\.(js|json))$/.test(path),
    },
  ],
  onnxruntimeWeb: [
    {
      name: "onnxruntime-web",
      version: "1.30.0",
      integrity: "sha512-q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ==",
      keep: (path) =>
        /^(package\.json|dist\/(ort\.(wasm|webgpu)\.min|ort-wasm-simd-threaded(\.asyncify)?)\.(mjs|wasm))$/.test(path),
    },
  ],
  webgpu: [
    {
      name: "webgpu",
      version: "0.6.2",
      integrity: "sha512-3L4GfmqJLvYUIEWJngEQY+2HQiUlAFkg8+P8NDDj3Xx5hHHIFO/r8JW+ynfqBj7kHN4mbnwO74uB+lrRtLhp4Q==",
      keep: (path) =>
        /^(package\.json|index\.js|LICENSE\.md)$/.test(path) ||
        path.startsWith(`dist/${platform}-${platform === "darwin" ? "universal" : arch}/`),
    },
  ],
  mnist: [
    {
      name: "mnist",
      version: "1.1.0",
      integrity: "sha512-x+SfS5tSJnOEjad6jkuL91Cuq9EAVmy1IYt6vdWEsYCjJZsj0oB2xCq+sg5cgiEt9W+xBT31q9IwI2h7h1VtOw==",
      keep: (path) => /^(package\.json|LICENSE|src\/.*)$/.test(path),
    },
  ],
} as const satisfies Readonly<Record<string, readonly PinnedPackage[]>>

export type FetchedName = keyof typeof fetchedPackages

/** Where a group of packages is put: in a `node_modules` of its own, in which they find one another. */
export function fetchedFolder(name: FetchedName, cache: string = cacheFolder()): string {
  const [first] = fetchedPackages[name]
  return join(cache, "packages", `${first.name.replaceAll("/", "+")}-${first.version}-${platform}-${arch}`)
}

/** The folder of a package that has been fetched, or undefined. */
export function findFetched(name: FetchedName, cache?: string): string | undefined {
  const folder = join(fetchedFolder(name, cache), "node_modules", fetchedPackages[name][0].name)
  return existsSync(join(folder, "package.json")) ? folder : undefined
}
