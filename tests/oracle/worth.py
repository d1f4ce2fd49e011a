#!/usr/bin/env python3
"""Accuracy of PyTorch + PEFT on the batches and held-out tickets that tests/oracle/worth.ts wrote.

    python tests/oracle/worth.py FOLDER GIVEN.json OUT.json

FOLDER: the checkpoint as safetensors (joulewise compress --variant fp32). LoRA in float32 on all linear layers, AdamW,
transformers' cosine schedule with warm-up; each batch padded to its longest. Scores each cause by the sum of its tokens'
log-probabilities. OUT.json: seconds of steps, and the chosen cause of each ticket before and after. Needs torch,
transformers, peft.
"""
import json, os, sys, time
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, get_cosine_schedule_with_warmup

KINDS = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj']
folder, given_file, out_file = sys.argv[1:4]
given = json.load(open(given_file))
o = given['options']
torch.set_num_threads(int(os.environ.get('THREADS', 2)))
torch.manual_seed(o['seed'])
model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
model = get_peft_model(model, LoraConfig(r=o['rank'], lora_alpha=o['alpha'], target_modules=KINDS, lora_dropout=0.0))
own = [p for p in model.parameters() if p.requires_grad]


def padded(sequences):
    longest = max(map(len, sequences))
    ids = torch.zeros((len(sequences), longest), dtype=torch.long)
    mask = torch.zeros_like(ids)
    for i, s in enumerate(sequences):
        ids[i, :len(s)] = torch.tensor(s)
        mask[i, :len(s)] = 1
    return ids, mask


@torch.no_grad()
def choices():
    """Each ticket's cause of the largest sum of log-probabilities: the prompt once, then all causes behind its cache."""
    model.eval()
    out = []
    candidates = given['candidates']
    ids, mask = padded([c[:-1] for c in candidates])
    for ticket in given['asked']:
        prompt = torch.tensor([ticket['prompt']])
        first = model(prompt, use_cache=True)
        first.past_key_values.batch_repeat_interleave(len(candidates))
        whole = torch.cat([torch.ones((len(candidates), prompt.shape[1]), dtype=mask.dtype), mask], 1)
        behind = model(ids, attention_mask=whole, past_key_values=first.past_key_values).logits
        logits = torch.cat([first.logits[:, -1:].expand(len(candidates), -1, -1), behind], 1)
        scores = []
        for row, c in zip(torch.log_softmax(logits, -1), candidates):
            scores.append(sum(row[i, token].item() for i, token in enumerate(c)))
        out.append({'id': ticket['id'], 'cause': ticket['cause'], 'chosen': given['causes'][scores.index(max(scores))]})
    model.train()
    return out


def accuracy(chosen):
    return sum(c['chosen'] == c['cause'] for c in chosen) / len(chosen)


model.train()
optimizer = torch.optim.AdamW(own, lr=o['lr'], weight_decay=o['decay'])
schedule = get_cosine_schedule_with_warmup(optimizer, min(o['warmup'], o['steps'] // 10), o['steps'])
steps = []
for batch in given['batches']:
    start = time.time()
    ids, mask = padded([s['ids'][:-1] for s in batch])
    labels = torch.full_like(ids, -100)
    for i, s in enumerate(batch):
        for at in range(s['answer'] - 1, len(s['ids']) - 1):
            labels[i, at] = s['ids'][at + 1]
    rows = labels != -100
    logits = model(ids, attention_mask=mask).logits[rows]
    loss = torch.nn.functional.cross_entropy(logits, labels[rows])
    loss.backward()
    torch.nn.utils.clip_grad_norm_(own, o['clip'])
    optimizer.step()
    schedule.step()
    optimizer.zero_grad()
    steps.append({'loss': loss.item(), 'seconds': time.time() - start})
    if len(steps) % 20 == 0:
        print(len(steps), steps[-1], flush=True)
after = choices()
json.dump({'steps': steps, 'after': after, 'accuracy': accuracy(after)}, open(out_file, 'w'))
print(accuracy(after))
