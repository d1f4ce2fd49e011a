#!/usr/bin/env python3
"""What PyTorch and PEFT make of a LoRA step, in float64: writes tests/fixtures/tune.json.

    python tests/oracle/tune.py            the tiny models of tests/fixtures/calibration.json
    python tests/oracle/tune.py smollm2 DIR OUT.json
        ten steps of SmolLM2-135M in float32 from the adapter and the batches in OUT.json's "given", which
        tests/oracle/tune.ts writes; adds "peft" to it

Needs torch, transformers, peft, numpy. The optimizer is torch's AdamW, the schedule transformers'
get_cosine_schedule_with_warmup, clipping torch's clip_grad_norm_.
"""
import base64, json, sys, time
from pathlib import Path
import numpy as np, torch
from peft import LoraConfig, get_peft_model
from transformers import AutoConfig, AutoModelForCausalLM, get_cosine_schedule_with_warmup

KINDS = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj']
RANK, ALPHA, STEPS, WARMUP, LR, DECAY, CLIP = 3, 6, 10, 2, 1e-2, 0.01, 1.0


def b64(t):
    return base64.b64encode(t.detach().numpy().astype('<f4').tobytes()).decode()


def parts(model):
    """Adapter parameters in our order: layer by layer, kinds in KINDS' order, A before B."""
    named = dict(model.named_parameters())
    out = []
    for layer in range(model.config.num_hidden_layers):
        for kind in KINDS:
            for part in 'AB':
                out.append(next(p for n, p in named.items() if f'layers.{layer}.' in n and f'.{kind}.lora_{part}.' in n))
    return out


def loss_sum(model, ids, labels):
    logits = model(torch.tensor([ids])).logits[0]
    at = [i for i, l in enumerate(labels) if l is not None]
    return torch.nn.functional.cross_entropy(logits[at], torch.tensor([labels[i] for i in at]), reduction='sum'), len(at)


def tiny():
    out = {}
    fixture = json.loads(Path('tests/fixtures/calibration.json').read_text())
    for family, f in fixture.items():
        torch.manual_seed(7)
        torch.set_default_dtype(torch.float64)
        model = AutoModelForCausalLM.from_config(AutoConfig.for_model(**f['config'])).double().eval()
        state = {}
        for name, w in f['weights'].items():
            data = np.frombuffer(base64.b64decode(w['data']), '<f2').astype('f8').reshape(w['shape'])
            state[name] = torch.tensor(data)
        model.load_state_dict(state, strict=False)
        model.tie_weights()
        model = get_peft_model(model, LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=KINDS, lora_dropout=0.0)).double().eval()
        own = parts(model)
        with torch.no_grad():
            for p in own:
                p.copy_((torch.randn_like(p) * 0.3).float().double())
        adapter = base64.b64encode(np.concatenate([p.detach().numpy().astype('<f4').ravel() for p in own]).tobytes()).decode()
        sequences = []
        for i, ids in enumerate(f['ids']):
            ids = ids[:20 - 5 * i]
            labels = [None] * len(ids)
            for at in range(len(ids) - 4 + i, len(ids) - 1):
                labels[at] = ids[at + 1]
            sequences.append({'ids': ids, 'labels': labels})
        both = [loss_sum(model, s['ids'], s['labels']) for s in sequences]
        loss = sum(l for l, _ in both) / sum(n for _, n in both)
        loss.backward()
        gradient = base64.b64encode(np.concatenate([p.grad.numpy().astype('<f4').ravel() for p in own]).tobytes()).decode()
        model.zero_grad()
        optimizer = torch.optim.AdamW(own, lr=LR, weight_decay=DECAY)
        schedule = get_cosine_schedule_with_warmup(optimizer, WARMUP, STEPS)
        steps = []
        for _ in range(STEPS):
            both = [loss_sum(model, s['ids'], s['labels']) for s in sequences]
            each = sum(l for l, _ in both) / sum(n for _, n in both)
            each.backward()
            norm = torch.nn.utils.clip_grad_norm_(own, CLIP)
            steps.append({'loss': each.item(), 'norm': norm.item(), 'lr': schedule.get_last_lr()[0]})
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
        end = base64.b64encode(np.concatenate([p.detach().numpy().astype('<f4').ravel() for p in own]).tobytes()).decode()
        out[family] = {'adapter': adapter, 'sequences': sequences, 'loss': loss.item(), 'gradient': gradient, 'steps': steps, 'end': end}
    options = {'rank': RANK, 'alpha': ALPHA, 'steps': STEPS, 'warmup': WARMUP, 'lr': LR, 'decay': DECAY, 'clip': CLIP}
    Path('tests/fixtures/tune.json').write_text(json.dumps({'options': options, 'families': out}))


def smollm2(folder, file):
    """Float32, eager, as its users run it; figures of each step and its seconds."""
    torch.set_num_threads(2)
    data = json.loads(Path(file).read_text())
    given = data['given']
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    model = get_peft_model(model, LoraConfig(r=given['rank'], lora_alpha=given['alpha'], target_modules=KINDS, lora_dropout=0.0)).train()
    own = parts(model)
    flat = np.frombuffer(base64.b64decode(given['adapter']), '<f4')
    at = 0
    with torch.no_grad():
        for p in own:
            p.copy_(torch.tensor(flat[at:at + p.numel()].reshape(p.shape)))
            at += p.numel()
    optimizer = torch.optim.AdamW(own, lr=given['lr'], weight_decay=given['decay'])
    schedule = get_cosine_schedule_with_warmup(optimizer, given['warmup'], given['steps'])
    steps = []
    for step, batch in enumerate(given['batches']):
        start = time.time()
        longest = max(len(s['ids']) for s in batch)
        ids = torch.zeros((len(batch), longest), dtype=torch.long)
        mask = torch.zeros_like(ids)
        labels = torch.full_like(ids, -100)
        for i, s in enumerate(batch):
            n = len(s['ids'])
            ids[i, :n] = torch.tensor(s['ids'])
            mask[i, :n] = 1
            labels[i, :n] = torch.tensor([-100 if l is None else l for l in s['labels']])
        logits = model(ids, attention_mask=mask).logits
        rows = labels != -100
        loss = torch.nn.functional.cross_entropy(logits[rows], labels[rows])
        loss.backward()
        if step == 0:
            first = np.concatenate([p.grad.numpy().astype('<f4').ravel() for p in own])
        norm = torch.nn.utils.clip_grad_norm_(own, given['clip'])
        steps.append({'loss': loss.item(), 'norm': norm.item(), 'seconds': time.time() - start})
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        print(steps[-1], flush=True)
    Path(file + '.gradient').write_bytes(first.tobytes())
    data['peft'] = {'steps': steps}
    Path(file).write_text(json.dumps(data))


if len(sys.argv) > 1 and sys.argv[1] == 'smollm2':
    smollm2(sys.argv[2], sys.argv[3])
else:
    tiny()
