#!/usr/bin/env python3
"""Seconds of LoRA steps in PyTorch + PEFT, beside ours: prints {"seconds": [..], "peakBytes": n} as JSON.

    python train.py FILE.gguf THREADS BATCHES.json [DTYPE]

BATCHES.json: for each step a list of {"ids": [..], "answer": n}, padded to the longest as PEFT's users do. Rank 8, alpha 16,
all linear layers; forward, loss over answer tokens, backward; no optimizer. Exits 3 where something is not installed.
"""
import json, resource, sys, time
from pathlib import Path

try:
    import torch
    import gguf  # noqa: F401  transformers reads GGUF through it
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM
except ImportError:
    sys.exit(3)

path, threads, batches = Path(sys.argv[1]), int(sys.argv[2]), json.loads(Path(sys.argv[3]).read_text())
dtype = getattr(torch, sys.argv[4] if len(sys.argv) > 4 else 'float32')
torch.set_num_threads(threads)
model = AutoModelForCausalLM.from_pretrained(str(path.parent), gguf_file=path.name, dtype=dtype)
kinds = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj']
model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=kinds, lora_dropout=0.0)).train()
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
    logits = model(input_ids=ids, attention_mask=mask).logits
    rows = labels != -100
    torch.nn.functional.cross_entropy(logits[rows].float(), labels[rows]).backward()
    model.zero_grad()
    seconds.append(time.perf_counter() - start)
print(json.dumps({'seconds': seconds, 'peakBytes': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))
