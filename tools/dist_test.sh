#!/usr/bin/env bash
# Test on several GPUs of this machine: tools/dist_test.sh CONFIG CHECKPOINT GPUS [options of tools/test.py]
# Several machines: set NNODES, NODE_RANK, MASTER_ADDR and MASTER_PORT on each.
set -euo pipefail
[ $# -ge 3 ] || { echo "usage: $0 CONFIG CHECKPOINT GPUS [options of tools/test.py]" >&2; exit 2; }
config=$1 checkpoint=$2 gpus=$3
shift 3
tool="$(dirname "$0")/test.py"
if [ -n "${MASTER_ADDR:-}" ]; then
    where=(--nnodes "${NNODES:-1}" --node-rank "${NODE_RANK:-0}"
           --master-addr "$MASTER_ADDR" --master-port "${MASTER_PORT:-29500}")
else
    where=(--standalone)
fi
exec torchrun "${where[@]}" --nproc-per-node "$gpus" "$tool" "$config" "$checkpoint" "$@"
