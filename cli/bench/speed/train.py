#!/usr/bin/env python3
"""Seconds of training steps in PyTorch, beside ours: prints {"seconds": [..], "peakBytes": n} as JSON.

    python train.py CHECKPOINT THREADS BATCHES.json lora|full

BATCHES.json: for each step a list of {"ids": [..], "answer": n}, padded to the longest as PEFT's users do; loss over answer
tokens. lora: CHECKPOINT is a .gguf file; PEFT, rank 8, alpha 16, all linear layers; forward and backward, no optimizer.
full: CHECKPOINT is a folder; all weights, with clipping and AdamW. Float32. Exits 3 where something is not installed.
"""
import json, resource, sys, time
from pathlib import Path

path, threads, batches = Path(sys.argv[1]), int(sys.argv[2]), json.loads(Path(sys.argv[3]).read_text())
what = sys.argv[4]
try:
    import torch
    from transformers import AutoModelForCausalLM
    if what == 'lora':
        import gguf  # noqa: F401  transformers reads GGUF through it
        from peft import LoraConfig, get_peft_model
except ImportError:
    sys.exit(3)

torch.set_num_threads(threads)
if what == 'lora':
    model = AutoModelForCausalLM.from_pretrained(str(path.parent), gguf_file=path.name, dtype=torch.float32)
    kinds = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj']
    model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=kinds, lora_dropout=0.0)).train()
    optimizer = None
else:
    model = AutoModelForCausalLM.from_pretrained(str(path), dtype=torch.float32).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
seconds = []
for batch in batches:
    start = time.perf_counter()
    longest = max(len(e['ids']) for e in batch)
    ids = torch.zeros((len(batch), longest), dtype=torch.long)
    mask = torch.zeros_like(ids)
    labels = torch.full_like(ids, -100)
    for i, e in enumerate(batch):
        n = len(e['ids'])
        ids[i, :n] = torch.tensor(e['ids'])
        mask[i, :n] = 1
        labels[i, e['answer'] - 1:n - 1] = ids[i, e['answer']:n]
    # Without padding no mask is needed, and PyTorch is faster.
    logits = model(input_ids=ids, attention_mask=None if bool(mask.all()) else mask).logits
    rows = labels != -100
    torch.nn.functional.cross_entropy(logits[rows].float(), labels[rows]).backward()
    if optimizer is not None:
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    model.zero_grad()
    seconds.append(time.perf_counter() - start)
print(json.dumps({'seconds': seconds, 'peakBytes': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))
