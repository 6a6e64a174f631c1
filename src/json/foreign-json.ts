/**
 * What a file is that should be JSON and begins like something else people have under that name.
 * @param head its first bytes
 */
export function foreignJson(head: Uint8Array): string | undefined {
  const [a, b] = head
  if (a === 0x1f && b === 0x8b) return "it is compressed with gzip: unpack it first (gunzip)"
  if (a === 0x50 && b === 0x4b) return "it is a zip archive: unpack it first"
  if ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff) || (a === 0x7b && b === 0) || (a === 0 && b === 0x7b)) {
    return "it is in UTF-16: save it as UTF-8"
  }
  const text = new TextDecoder().decode(head.subarray(0, 256)).trimStart()
  if (/^<(!doctype|html|\?xml|head|body)/i.test(text)) {
    return text.startsWith("<?xml")
      ? "it is XML, not JSON"
      : "it is an HTML page, perhaps the answer to a failed download"
  }
  if (/^[[{]\s*'/.test(text)) return "it is a Python literal with single quotes, not JSON: write it with json.dump"
  return text.startsWith("version https://git-lfs")
    ? "it is a Git LFS pointer: fetch the file itself (git lfs pull)"
    : undefined
}
