#!/usr/bin/env bash
# A chat template that writes a boolean, rendered by @huggingface/jinja and by Python's Jinja2: is it the same prompt?
# Exits with 0 while "true" stands where Python writes "True", with 1 where that changed.
set -euo pipefail
version=0.5.11
reference=3.1.6
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --no-audit --no-fund --loglevel=error "@huggingface/jinja@$version" > /dev/null
python3 -m venv python > /dev/null
python/bin/pip install --quiet --disable-pip-version-check "jinja2==$reference"
cat > template.txt <<'J'
{% for m in messages %}{{ m.role }}: {{ m.content }} [tools: {{ tools }}]
{% endfor %}{{ "thinking=" ~ thinking }}
J
cat > run.mjs <<'JS'
import { readFileSync } from 'node:fs';
import { Template } from '@huggingface/jinja';
process.stdout.write(
  new Template(readFileSync('template.txt', 'utf8')).render({
    messages: [{ role: 'user', content: 'Which cause?' }],
    tools: false,
    thinking: true,
  }),
);
JS
cat > run.py <<'PY'
import sys
from jinja2 import Environment
given = {'messages': [{'role': 'user', 'content': 'Which cause?'}], 'tools': False, 'thinking': True}
# As transformers makes its environment.
sys.stdout.write(Environment(trim_blocks=True, lstrip_blocks=True).from_string(open('template.txt').read()).render(**given))
PY
found=$(node run.mjs)
wanted=$(python/bin/python run.py)
echo "@huggingface/jinja $version: $(echo "$found" | tr '\n' '|')"
echo "Jinja2 $reference:             $(echo "$wanted" | tr '\n' '|')"
if [[ $found == *"[tools: false]"*"thinking=true"* && $wanted == *"[tools: False]"*"thinking=True"* ]]; then
  echo 'As found: a boolean is written as in JavaScript, so the model reads another prompt than it was trained on. Expected: as Python writes it.'
else
  echo 'Changed: this finding does not stand any more.'
  exit 1
fi
