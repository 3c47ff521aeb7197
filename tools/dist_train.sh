#!/usr/bin/env bash
# Train on several GPUs of this machine: tools/dist_train.sh CONFIG GPUS [options of tools/train.py]
# Several machines: set NNODES, NODE_RANK, MASTER_ADDR and MASTER_PORT on each.
set -euo pipefail
[ $# -ge 2 ] || { echo "usage: $0 CONFIG GPUS [options of tools/train.py]" >&2; exit 2; }
config=$1 gpus=$2
shift 2
tool="$(dirname "$0")/train.py"
if [ -n "${MASTER_ADDR:-}" ]; then
    where=(--nnodes "${NNODES:-1}" --node-rank "${NODE_RANK:-0}"
           --master-addr "$MASTER_ADDR" --master-port "${MASTER_PORT:-29500}")
else
    where=(--standalone)
fi
exec torchrun "${where[@]}" --nproc-per-node "$gpus" "$tool" "$config" "$@"
