#!/usr/bin/env python3
"""Loads exported GGUF files in llama.cpp: tokens, greedy answers and NLL beside ours.

    CMAKE_ARGS="-DGGML_NATIVE=OFF -DGGML_AVX2=ON -DGGML_FMA=ON -DGGML_F16C=ON" pip install llama-cpp-python numpy
    python tests/oracle/gguf.py CHECKPOINT [VARIANT ...]

For each variant (default fp32 fp16 int8 int4 fp32+ffn50, and fp32+kvgroups33 calibrated on tests/fixtures/texts): exports
it, and prints whether llama.cpp splits PROMPT and TEXT into our tokens, whether it writes the 32 tokens of
`joulewise generate` after PROMPT (fp32 and fp16 must: all is computed in float32 there too, the cache included), and the NLL
of TEXT beside that of `joulewise eval` and how far apart they are (at most 0.5 %: both round activations, each its way).
Exits 1 where something differs. Built for the machine itself, llama.cpp ended with an illegal instruction on a virtual
processor that names AMX; the flags above do without. What it printed stands in gguf.txt beside it.
"""
import glob, json, os, subprocess, sys, tempfile
import numpy as np
from llama_cpp import Llama

PROMPT = 'The base station lost its backhaul link at 02:14. The on-call engineer checked the microwave radio and found'
with open('tests/fixtures/texts/evaluation.jsonl') as f:
    TEXT = ' '.join(json.loads(line)['text'] for line in f.readlines()[:6])[:1600]
ALLOWED = 0.005
run = lambda *a: subprocess.run(['npm', 'run', '-s', 'joulewise', '--', *a], check=True, capture_output=True, text=True).stdout


def nll(llama, ids):
    llama.reset()
    llama.eval(ids)
    x = np.asarray(llama.scores[:len(ids) - 1], np.float64)
    x = x - x.max(-1, keepdims=True)
    return float(np.mean(np.log(np.exp(x).sum(-1)) - x[np.arange(len(ids) - 1), ids[1:]]))


def generate(llama, ids, n=32):
    llama.reset()
    llama.eval(ids)
    out = []
    for _ in range(n):
        out.append(int(np.argmax(llama.scores[llama.n_tokens - 1])))
        llama.eval(out[-1:])
    return out


checkpoint = sys.argv[1]
variants = sys.argv[2:] or ['fp32', 'fp16', 'int8', 'int4', 'fp32+ffn50', 'fp32+kvgroups33']
different = 0
for v in variants:
    with tempfile.TemporaryDirectory() as folder:
        given = ['--checkpoint', checkpoint, '--variant', v, '--calib', 'tests/fixtures/texts/calibration.jsonl']
        report = json.loads(run('export', *given, '--format', 'gguf', '--out', folder))
        path = glob.glob(folder + '/*.gguf')[0]
        text = os.path.join(folder, 'text.txt')
        with open(text, 'w') as f: f.write(TEXT)
        written = json.loads(run('generate', *given, '--prompt', PROMPT, '--ignore-stop'))
        evaluated = json.loads(run('eval', *given, '--text-file', text))
        # Keys and values in float32 as ours, and no flash attention, whose sums are half precision.
        llama = Llama(path, n_ctx=1024, n_batch=1024, logits_all=True, type_k=0, type_v=0, flash_attn=False, verbose=False)
        split = [llama.tokenize(t.encode(), add_bos=True, special=True) == ids
                 for t, ids in [(PROMPT, written['promptIds']), (TEXT, evaluated['tokenIds'])]]
        theirs = generate(llama, written['promptIds'])
        same = next((i for i, (a, b) in enumerate(zip(theirs, written['ids'])) if a != b), 32)
        loss = nll(llama, evaluated['tokenIds'])
        apart = abs(loss / evaluated['nll'] - 1)
        exact = v in ('fp32', 'fp16')
        ok = all(split) and apart <= ALLOWED and (same == 32 or not exact)
        different += not ok
        print(f"{v:16s} {os.path.getsize(path):>10d} bytes, text split {'alike' if all(split) else 'DIFFERENTLY'}, first {same} of 32 tokens alike, "
              f"NLL of {len(evaluated['tokenIds'])} tokens {loss:.5f} there, {evaluated['nll']:.5f} here ({100 * apart:.3f} %){'' if ok else ' WRONG'}", flush=True)
        for note in report['notes']: print(f"                 {note}", flush=True)
        del llama
sys.exit(1 if different else 0)
