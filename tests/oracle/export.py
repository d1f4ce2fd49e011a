#!/usr/bin/env python3
"""Loads exported folders in Python onnxruntime, generates greedily and measures the NLL; compares with joulewise.

    python tests/oracle/export.py CHECKPOINT [VARIANT ...]

For each variant (default fp32 fp16 int8 int4 ffn50, and fp32+sparsegpt2:4 calibrated on tests/fixtures/texts): exports it,
generates 32 tokens after the same prompt ids with the inputs that Transformers.js feeds (input_ids, attention_mask,
position_ids, past_key_values.N.key|value), and prints whether they are the tokens of `joulewise generate`, and the NLL of the
prompt beside that of `joulewise eval --engine ort-cpu`, which runs the same kernels. Needs numpy and onnxruntime. Exits 1
where a token or, by more than 1e-4 of it (bytes of activations that round at an edge), an NLL differs.
"""
import glob, json, os, subprocess, sys, tempfile
import numpy as np, onnxruntime as ort

PROMPT = 'The base station lost its backhaul link at 02:14. The on-call engineer checked the microwave radio and found'
run = lambda *a: subprocess.run(['npm', 'run', '-s', 'joulewise', '--', *a], check=True, capture_output=True, text=True).stdout


def nll(logits, ids):
    x = logits[0, :-1].astype(np.float64)
    x -= x.max(-1, keepdims=True)
    return float(np.mean(np.log(np.exp(x).sum(-1)) - x[np.arange(len(ids) - 1), ids[1:]]))


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
        if not out: loss = nll(r['logits'], ids)
        fresh = [int(r['logits'][0, -1].argmax())]
        out += fresh
    return out, loss


checkpoint, variants = sys.argv[1], sys.argv[2:] or ['fp32', 'fp16', 'int8', 'int4', 'ffn50', 'fp32+sparsegpt2:4']
different = 0
for v in variants:
    with tempfile.TemporaryDirectory() as folder:
        given = ['--checkpoint', checkpoint, '--variant', v, '--engine', 'ort-cpu', '--calib', 'tests/fixtures/texts/calibration.jsonl']
        run('export', *given, '--out', folder)
        ours = json.loads(run('generate', *given, '--prompt', PROMPT, '--ignore-stop'))
        text = os.path.join(folder, 'prompt.txt')
        with open(text, 'w') as f: f.write(PROMPT)
        expected = json.loads(run('eval', *given, '--text-file', text))['nll']
        theirs, loss = generate(folder, ours['promptIds'])
        same = theirs == ours['ids'] and abs(loss - expected) <= 1e-4 * expected
        different += not same
        tokens = 'same 32 tokens' if theirs == ours['ids'] else 'DIFFERENT: ' + str((theirs, ours['ids']))
        print(f"{v:18s} {tokens}, NLL {loss:.6f} there, {expected:.6f} here", flush=True)
sys.exit(1 if different else 0)
