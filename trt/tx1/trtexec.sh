#!/bin/sh
# Every generation through NVIDIA's trtexec (TensorRT 7 and 8) as the same CSV table: ./trtexec.sh [half|float|int8] > tx1.csv
set -eu
here=$(cd "$(dirname "$0")" && pwd)
precision=${1:-half}
TRTEXEC=${TRTEXEC:-/usr/src/tensorrt/bin/trtexec}
RUNS=${RUNS:-200}
case $precision in
  half) suffix=.half.onnx flags=--fp16 ;;
  int8) suffix=.int8.onnx flags=--int8 ;;
  float) suffix=.onnx flags= ;;
  *) echo "trtexec.sh: expected half, float or int8, got '$precision'" >&2; exit 2 ;;
esac
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
