#!/usr/bin/env python3
"""What Hugging Face's tokenizers learn from texts: writes tests/fixtures/bpe.json, which holds texts and merges.

    python tests/oracle/bpe.py

The form of the built-in checkpoint's tokenizer (single digits, byte-level BPE, three special tokens). Texts hold runs of one
letter, many equal counts, digits, line breaks, runs of spaces and letters of several bytes. Needs tokenizers. The built-in
tokenizer itself (static/builtin/tokenizer.json) was first made so, from 40,000 tickets.
"""
import json, random
from pathlib import Path
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

SPECIAL = ['<|endoftext|>', '<|im_start|>', '<|im_end|>']
SIZE = 420
WORDS = ['power', 'supply', 'failure', 'link', 'lost', 'aaaa', 'aaaaaaa', 'abab', 'ababab', "station's", 'site', 'Zürich', '日本',
         '12:45', '4711', 'x', '(no', 'alarm)', '--', '...', "we'll", 'naïve', '🙂', 'banana', 'nana']

rng = random.Random(5)
texts = []
for _ in range(60):
    words = [rng.choice(WORDS) for _ in range(rng.randint(1, 14))]
    texts.append(''.join(w + rng.choice([' ', ' ', ' ', '  ', '\n', '   \n', ', ', '']) for w in words))

t = Tokenizer(models.BPE())
t.pre_tokenizer = pre_tokenizers.Sequence(
    [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)])
t.train_from_iterator(texts, trainers.BpeTrainer(
    vocab_size=SIZE, special_tokens=SPECIAL, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False))
model = json.loads(t.to_str())['model']
Path('tests/fixtures/bpe.json').write_text(json.dumps(
    {'size': SIZE, 'special': SPECIAL, 'texts': texts, 'vocab': model['vocab'], 'merges': model['merges']}, ensure_ascii=False))
