#!/usr/bin/env bash
# Installs a release of Coaming, verified by its checksum, unless COAMING_PROGRAM names a program.
set -euo pipefail

if [[ -n ${COAMING_PROGRAM:-} ]]; then
  echo "program=$COAMING_PROGRAM" >>"$GITHUB_OUTPUT"
  exit
fi
case "$RUNNER_OS-$RUNNER_ARCH" in
  Linux-X64) target=x86_64-unknown-linux-musl ;;
  Linux-ARM64) target=aarch64-unknown-linux-musl ;;
  macOS-X64) target=x86_64-apple-darwin ;;
  macOS-ARM64) target=aarch64-apple-darwin ;;
  *)
    echo "::error::Coaming has no release for $RUNNER_OS on $RUNNER_ARCH"
    exit 2
    ;;
esac
releases=${COAMING_RELEASES:-https://github.com/coaming/coaming/releases}
if [[ ${COAMING_VERSION:-latest} == latest ]]; then
  from=$releases/latest/download
else
  from=$releases/download/$COAMING_VERSION
fi
directory=${RUNNER_TEMP:?}/coaming
mkdir -p "$directory"
archive=coaming-$target.tar.gz
curl --fail --silent --show-error --location --retry 3 --output "$directory/$archive" "$from/$archive"
curl --fail --silent --show-error --location --retry 3 --output "$directory/SHA256SUMS" "$from/SHA256SUMS"
sum=sha256sum
command -v sha256sum >/dev/null || sum="shasum -a 256"
(cd "$directory" && grep " $archive\$" SHA256SUMS | $sum --check --quiet -)
tar -xzf "$directory/$archive" -C "$directory" --strip-components=1
echo "program=$directory/coaming" >>"$GITHUB_OUTPUT"
