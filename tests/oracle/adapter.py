#!/usr/bin/env python3
"""A LoRA adapter of the built-in checkpoint as PEFT saves it, and what PyTorch computes with it: tests/fixtures/adapter/.

    python tests/oracle/adapter.py

Needs torch, transformers, peft, safetensors. Weights are random: what counts is that they change the model.
"""
import json
from pathlib import Path
import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

torch.manual_seed(3)
TEXT = 'Alarm on site: loss of signal on the microwave link. Operator reports heavy rain since the morning.'
out = Path('tests/fixtures/adapter')
base = LlamaForCausalLM.from_pretrained('static/builtin', torch_dtype=torch.float32).eval()
ids = PreTrainedTokenizerFast(tokenizer_file='static/builtin/tokenizer.json').encode(TEXT, add_special_tokens=False)


@torch.no_grad()
def figures(m):
    x = torch.tensor([ids])
    logits = m(x).logits[0]
    nll = torch.nn.functional.cross_entropy(logits[:-1].double(), x[0, 1:]).item()
    made = []
    for _ in range(16):
        made.append(m(torch.tensor([ids + made])).logits[0, -1].argmax().item())
    return {'nll': nll, 'greedy': made}


without = figures(base)
m = get_peft_model(base, LoraConfig(r=4, lora_alpha=8, target_modules=['q_proj', 'v_proj', 'o_proj', 'down_proj'], lora_dropout=0.0)).eval()
for n, p in m.named_parameters():
    if 'lora_' in n: p.data = (torch.randn_like(p) * 0.08).half().float()
m.save_pretrained(out)
# Half the size: the weights are halves already.
from safetensors.torch import load_file, save_file
weights = out / 'adapter_model.safetensors'
save_file({k: v.half() for k, v in load_file(weights).items()}, weights)
for f in out.iterdir():
    if f.name == 'README.md': f.unlink()
(out / 'figures.json').write_text(json.dumps({'text': TEXT, 'without': without, 'with': figures(m)}, indent=1) + '\n')
print(without['nll'], figures(m)['nll'])
