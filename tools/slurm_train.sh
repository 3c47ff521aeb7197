#!/usr/bin/env bash
# An example for Slurm: two machines of eight GPUs. Change the lines below, then
#   sbatch tools/slurm_train.sh configs/animal/hrnet/horse10/hrnet_w48_horse10_256x256-split1.py --resume
#SBATCH --job-name=hrpose
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=8
#SBATCH --cpus-per-task=64
#SBATCH --time=24:00:00
# two minutes before the time is over the run saves at its step and stops; preempted, it does the same
# and is queued again; --resume goes on from that step
#SBATCH --signal=TERM@120
#SBATCH --requeue
set -euo pipefail
[ $# -ge 1 ] || { echo "usage: sbatch $0 CONFIG [options of tools/train.py]" >&2; exit 2; }
MASTER_ADDR=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
MASTER_PORT=$((20000 + SLURM_JOB_ID % 20000))
export MASTER_ADDR MASTER_PORT NNODES=$SLURM_JOB_NUM_NODES
# each machine reads its own number from Slurm
srun bash -c 'NODE_RANK=$SLURM_NODEID exec tools/dist_train.sh "$1" "$SLURM_GPUS_ON_NODE" "${@:2}"' _ "$@"
