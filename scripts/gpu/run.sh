#!/bin/sh
# Unpacks the pieces beside this file and measures everything; takes the options of dist/scripts/gpu/prove.js.
# Needs Linux, tar and, for CUDA, NVIDIA's driver. Uses no network. Results: result/proof.json and result/proof.md.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$here"
if [ ! -d unpacked ]; then
  sha256sum -c --quiet SHA256SUMS
  rm -rf unpacking
  mkdir unpacking
  cat piece-* | tar -xzf - -C unpacking
  mv unpacking unpacked
fi
export RESDET_CACHE="$here/unpacked/cache"
exec "$here/unpacked/node" "$here/unpacked/app/dist/scripts/gpu/prove.js" --out "$here/result" "$@"
