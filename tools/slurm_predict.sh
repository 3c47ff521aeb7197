#!/usr/bin/env bash
# An example for Slurm: many videos over eight tasks, one GPU each. Change the lines below, then
#   sbatch tools/slurm_predict.sh CONFIG CHECKPOINT 'videos/*.mp4' --out tables
#SBATCH --job-name=hrpose-predict
#SBATCH --array=1-8
#SBATCH --gpus=1
#SBATCH --cpus-per-task=8
#SBATCH --time=24:00:00
# each task takes its own part of the inputs from Slurm's variables; queued again, it skips what is
# finished and goes on with what was cut off
#SBATCH --requeue
set -euo pipefail
[ $# -ge 3 ] || { echo "usage: sbatch $0 CONFIG CHECKPOINT INPUT... --out DIR" >&2; exit 2; }
exec python -m hrpose predict "$@"
