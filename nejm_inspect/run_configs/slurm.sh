#!/bin/bash
# A template for SLURM: a roster's models side by side, one array task a model; no name twice.
#   NEJM_INSPECT_CACHE=$SHARED/cases nejm-inspect fetch --all    # once, where there is a network
#   sbatch slurm.sh -T sample_size=null --epochs 5 --no-log-images
#   nejm-inspect report "$SHARED/logs" # at any time, also with unfinished models
# Options of `nejm-inspect benchmark` follow the script's name. A task that was killed or requeued
# runs the same command, which continues in the model's folder and asks only for what is missing.
#SBATCH --job-name=nejm-inspect
#SBATCH --array=0-4
#SBATCH --cpus-per-task=1
#SBATCH --mem=4G
#SBATCH --time=24:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
# Keys, such as OPENROUTER_API_KEY, are read from the environment of sbatch.
set -euo pipefail

: "${SHARED:?must name a folder that all nodes see}"
roster=${ROSTER:-november_2026} # a bundled roster, or the path of your own

export NEJM_INSPECT_CACHE=${NEJM_INSPECT_CACHE:-$SHARED/cases}
export INSPECT_CACHE_DIR=${INSPECT_CACHE_DIR:-$SHARED/responses} # requeued tasks pay nothing twice
export INSPECT_DISPLAY=plain

model=$(
  python -c 'import sys; from nejm_inspect.roster import read_roster
models, task = read_roster(sys.argv[1]).models, int(sys.argv[2])
print(models[task].model if task < len(models) else sys.exit(f"No model {task} of {len(models)}"))' \
    "$roster" "$SLURM_ARRAY_TASK_ID"
)
# A folder of its own: an eval set must not share one with another that runs at the same time.
exec nejm-inspect benchmark "$roster" --model "$model" --log-dir "$SHARED/logs/$model" "$@"
