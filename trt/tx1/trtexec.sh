#!/bin/sh
# Every generation through NVIDIA's trtexec (TensorRT 7 and 8) as the same CSV table: ./trtexec.sh [half|float] > tx1.csv
set -eu
here=$(cd "$(dirname "$0")" && pwd)
precision=${1:-half}
TRTEXEC=${TRTEXEC:-/usr/src/tensorrt/bin/trtexec}
RUNS=${RUNS:-200}
test "$precision" = half && suffix=.half.onnx && flags=--fp16 || { suffix=.onnx; flags=; }
times=$(mktemp)
trap 'rm -f "$times"' EXIT
python3 "$here/trtexec_times.py"
tail -n +2 "$here/generations/generations.csv" | while IFS=, read -r generation _; do
  net=$here/generations/gen$(printf %03d "$generation")
  # shellcheck disable=SC2086
  "$TRTEXEC" --onnx="$net$suffix" $flags --explicitBatch --workspace=256 --warmUp=2000 --duration=0 \
    --iterations="$RUNS" --exportTimes="$times" >&2 < /dev/null
  python3 "$here/trtexec_times.py" "$generation" "$precision" "$times"
done
