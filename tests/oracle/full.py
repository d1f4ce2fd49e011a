#!/usr/bin/env python3
"""What PyTorch makes of training every weight, in float64: writes tests/fixtures/full.json.

    python tests/oracle/full.py

The tiny models of tests/fixtures/calibration.json, and the first of them with an output projection of its own. The loss
covers prompts too: each token counts what "weights" says. Needs torch, transformers, numpy. The optimizer is torch's AdamW,
with decay on matrices alone, the schedule transformers' get_cosine_schedule_with_warmup, clipping torch's clip_grad_norm_.
"""
import base64, json
from pathlib import Path
import numpy as np, torch
from transformers import AutoConfig, AutoModelForCausalLM, get_cosine_schedule_with_warmup

STEPS, WARMUP, LR, DECAY, CLIP, BETA2 = 8, 2, 1e-2, 0.05, 1.0, 0.95
UNTIED = 'llama, untied'
# Ends of training are kept of these alone, to keep the file small.
ENDS = ['qwen3', UNTIED]


def b64(t):
    return base64.b64encode(t.detach().numpy().astype('<f4').tobytes()).decode()


def build(config, weights, head):
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(**config)).double().eval()
    state = {}
    for name, w in weights.items():
        data = np.frombuffer(base64.b64decode(w['data']), '<f2').astype('f8').reshape(w['shape'])
        state[name] = torch.tensor(data)
    if head is not None:
        state['lm_head.weight'] = head
    model.load_state_dict(state, strict=False)
    model.tie_weights()
    return model


def weighted(model, sequences):
    """Sum over all rows of weight * -ln p, over the sum of weights."""
    loss, total = 0, 0
    for s in sequences:
        logits = model(torch.tensor([s['ids']])).logits[0, :-1]
        each = torch.nn.functional.cross_entropy(logits, torch.tensor(s['ids'][1:]), reduction='none')
        weights = torch.tensor(s['weights'], dtype=torch.float64)
        loss = loss + (each * weights).sum()
        total = total + weights.sum()
    return loss / total


def main():
    torch.set_default_dtype(torch.float64)
    fixture = json.loads(Path('tests/fixtures/calibration.json').read_text())
    cases = [(family, f, None) for family, f in fixture.items()]
    torch.manual_seed(11)
    first = fixture['llama']
    head = (torch.randn(first['config']['vocab_size'], first['config']['hidden_size']) * 0.2).half()
    cases.append((UNTIED, {**first, 'config': {**first['config'], 'tie_word_embeddings': False}}, head))
    out = {}
    for name, f, own_head in cases:
        model = build(f['config'], f['weights'], None if own_head is None else own_head.double())
        sequences = []
        for i, ids in enumerate(f['ids']):
            ids = ids[:20 - 5 * i]
            answer = len(ids) - 4 + i
            # Of each token but the first, as what is predicted: prompts a little, short answers more.
            sequences.append({'ids': ids, 'weights': [(4.0 if i else 1.0) if at >= answer else 0.1 for at in range(1, len(ids))]})
        named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
        loss = weighted(model, sequences)
        loss.backward()
        gradient = {n: b64(p.grad) for n, p in named}
        model.zero_grad()
        groups = [
            {'params': [p for _, p in named if p.dim() > 1], 'weight_decay': DECAY},
            {'params': [p for _, p in named if p.dim() <= 1], 'weight_decay': 0.0},
        ]
        optimizer = torch.optim.AdamW(groups, lr=LR, betas=(0.9, BETA2))
        schedule = get_cosine_schedule_with_warmup(optimizer, WARMUP, STEPS)
        steps = []
        for _ in range(STEPS):
            each = weighted(model, sequences)
            each.backward()
            norm = torch.nn.utils.clip_grad_norm_([p for _, p in named], CLIP)
            steps.append({'loss': each.item(), 'norm': norm.item(), 'lr': schedule.get_last_lr()[0]})
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
        out[name] = {
            'sequences': sequences,
            'head': None if own_head is None else base64.b64encode(own_head.numpy().astype('<f2').tobytes()).decode(),
            'loss': loss.item(),
            'gradient': gradient,
            'steps': steps,
            'end': {n: b64(p) for n, p in named} if name in ENDS else None,
        }
    options = {'steps': STEPS, 'warmup': WARMUP, 'lr': LR, 'decay': DECAY, 'clip': CLIP, 'beta2': BETA2}
    Path('tests/fixtures/full.json').write_text(json.dumps({'options': options, 'models': out}))


main()
