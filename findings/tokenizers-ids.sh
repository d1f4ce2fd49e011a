#!/usr/bin/env bash
# The same tokenizer.json in @huggingface/tokenizers (JavaScript) and in tokenizers (Rust, from Python): the same ids?
# Exits with 0 while all four rows differ, with 1 where one of them does not any more.
set -euo pipefail
version=0.2.0
reference=0.22.1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --no-audit --no-fund --loglevel=error "@huggingface/tokenizers@$version" > /dev/null
python3 -m venv python > /dev/null
python/bin/pip install --quiet --disable-pip-version-check "tokenizers==$reference"
cat > make.py <<'PY'
import json
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

rows = []
def row(what, tokenizer, text):
    rows.append({'what': what, 'tokenizer': json.loads(tokenizer.to_str()), 'text': text, 'ids': tokenizer.encode(text).ids})

words = lambda *w: Tokenizer(models.WordLevel({t: i for i, t in enumerate(('[UNK]', *w))}, unk_token='[UNK]'))
pieces = [('<unk>', 0.0), ('a', -1.0)] + [(f'<0x{b:02X}>', -5.0) for b in range(256)]
row('Unigram with byte_fallback', Tokenizer(models.Unigram(pieces, unk_id=0, byte_fallback=True)), 'a\u00e9')
t = words('link', 'links')
t.add_tokens([AddedToken('link', single_word=True)])
t.pre_tokenizer = pre_tokenizers.Whitespace()
row('an added token with single_word', t, 'links link')
t = words('a--', 'b', 'a', '--', '-')
t.pre_tokenizer = pre_tokenizers.Split(Regex('-'), 'contiguous')
row('Split, behaviour Contiguous', t, 'a--b')
t = words('a$&b')
t.normalizer = normalizers.Replace('-', '$&')
row('Replace with "$&"', t, 'a-b')
json.dump(rows, open('rows.json', 'w'))
PY
python/bin/python make.py
cat > run.mjs <<'JS'
import { readFileSync } from 'node:fs';
import { Tokenizer } from '@huggingface/tokenizers';
let differ = 0;
const rows = JSON.parse(readFileSync('rows.json', 'utf8'));
for (const { what, tokenizer, text, ids } of rows) {
  let found;
  try {
    found = [...new Tokenizer(tokenizer, {}).encode(text, { add_special_tokens: false }).ids];
  } catch (error) {
    found = String(error.message);
  }
  if (JSON.stringify(found) !== JSON.stringify(ids)) differ++;
  console.log(`${what}: ${JSON.stringify(text)} gives ${JSON.stringify(found)}; the Rust library ${JSON.stringify(ids)}`);
}
console.log(`${differ} of ${rows.length} differ, and no error says so.`);
process.exit(differ === rows.length ? 0 : 1);
JS
echo "@huggingface/tokenizers $version, tokenizers $reference"
node run.mjs && echo 'As found. Expected: the same ids.' || { echo 'Changed: this finding does not stand as it is.'; exit 1; }
