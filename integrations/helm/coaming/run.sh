#!/bin/sh
# `helm coaming CHART`: scans a chart.
set -eu
exec "${COAMING:-coaming}" scan "${@:-.}"
