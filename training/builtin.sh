#!/usr/bin/env bash
# Reproduces static/builtin/ (all but the card). PYTHON names the interpreter; WORK keeps prompts and stage 1.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
work=${WORK:-$(mktemp -d)}
export OMP_NUM_THREADS=1

npx tsx training/dump.ts "$work/stage1.jsonl" --count 40000 --seed 1000 --shuffle
npx tsx training/dump.ts "$work/stage2.jsonl" --count 24000 --seed 2000 --shuffle
npx tsx training/dump.ts "$work/test.jsonl" --count 2000 --seed 1 --network 2000

"$python" training/train_builtin.py --train "$work/stage1.jsonl" --test "$work/test.jsonl" --out "$work/stage1" \
  --steps 2600 --lr 2e-3 --prompt-weight 0.1 --bf16
"$python" training/train_builtin.py --train "$work/stage2.jsonl" --test "$work/test.jsonl" --out static/builtin \
  --resume "$work/stage1" --steps 1300 --lr 1.5e-3 --prompt-weight 0.3 --rca-share 0.35 --bf16
