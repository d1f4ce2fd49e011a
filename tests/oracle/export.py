#!/usr/bin/env python3
"""Loads exported folders in Python onnxruntime and generates greedily; compares with `joulewise generate`.

    python tests/oracle/export.py CHECKPOINT [VARIANT ...]

For each variant (default fp32 fp16 int8 int4 ffn50): exports it, generates 32 tokens after the same prompt ids with the
inputs that Transformers.js feeds (input_ids, attention_mask, position_ids, past_key_values.N.key|value), and prints
whether they are the tokens that joulewise generates. Needs numpy and onnxruntime. Exits 1 on any difference.
"""
import glob, json, os, subprocess, sys, tempfile
import numpy as np, onnxruntime as ort

PROMPT = 'The base station lost its backhaul link at 02:14. The on-call engineer checked the microwave radio and found'
run = lambda *a: subprocess.run(['npm', 'run', '-s', 'joulewise', '--', *a], check=True, capture_output=True, text=True).stdout


def generate(folder, ids, n=32):
    s = ort.InferenceSession(glob.glob(folder + '/onnx/*.onnx')[0])
    past = {i.name: np.zeros((1, i.shape[1], 0, i.shape[3]), np.float32) for i in s.get_inputs() if i.name.startswith('past')}
    names = [o.name for o in s.get_outputs()]
    out, fresh, total = [], list(ids), 0
    for _ in range(n):
        total += len(fresh)
        feeds = {'input_ids': np.array([fresh], np.int64), 'attention_mask': np.ones((1, total), np.int64),
                 'position_ids': np.arange(total - len(fresh), total)[None].astype(np.int64), **past}
        r = dict(zip(names, s.run(names, feeds)))
        past = {k.replace('present', 'past_key_values'): v for k, v in r.items() if k.startswith('present')}
        fresh = [int(r['logits'][0, -1].argmax())]
        out += fresh
    return out


checkpoint, variants = sys.argv[1], sys.argv[2:] or ['fp32', 'fp16', 'int8', 'int4', 'ffn50']
different = 0
for v in variants:
    with tempfile.TemporaryDirectory() as folder:
        run('export', '--checkpoint', checkpoint, '--variant', v, '--out', folder)
        ours = json.loads(run('generate', '--checkpoint', checkpoint, '--variant', v, '--prompt', PROMPT, '--ignore-stop'))
        theirs = generate(folder, ours['promptIds'])
        same = theirs == ours['ids']
        different += not same
        print(f"{v:6s} {'same 32 tokens' if same else 'DIFFERENT: ' + str((theirs, ours['ids']))}", flush=True)
sys.exit(1 if different else 0)
