#!/usr/bin/env python3
"""Reference figures for compressed variants, from PyTorch: writes tests/fixtures/nll-NAME.json.

    python tests/oracle/nll.py smollm2 PATH.gguf     (GGUF read by the gguf package)
    python tests/oracle/nll.py builtin static/builtin

Needs torch, transformers, gguf, safetensors. Every recipe is applied here anew, from its definition, and computed as the
record's kernel says. 8 and 4 bits have several forms: `recipes` on the engine ort-cpu (int8 weights per output, two uint8
activation terms per token), `cpu` on our own kernels (int8 per output x 16-bit levels per token, int4 in its blocks with
bfloat16 scales x 8-bit levels in blocks of 32), `bytes` on our own kernels where the device sums byte products in one
instruction (8 bits in their blocks too).
"""
import json, sys
from pathlib import Path
import numpy as np, torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

torch.manual_seed(0)
torch.set_num_threads(2)
TEXTS = {
    'smollm2': 'The base station lost its backhaul link at 02:14. The on-call engineer checked the microwave radio and found',
    'builtin': 'Alarm on site: loss of signal on the microwave link. Operator reports heavy rain since the morning.',
}
RECIPES = ['fp32', 'fp16', 'int8', 'int4', 'fp32+2:4', 'fp32+mag50', 'fp32+ffn50', 'fp32+layers20', 'int8+ffn50', 'int4+2:4', 'int8+ffn25+mag30']
BLOCK = 32


def load_gguf(path):
    import gguf
    r = gguf.GGUFReader(path)
    f = {k: v.contents() for k, v in r.fields.items()}
    heads, kv = f['llama.attention.head_count'], f['llama.attention.head_count_kv']
    rename = {'token_embd.weight': 'model.embed_tokens.weight', 'output_norm.weight': 'model.norm.weight', 'output.weight': 'lm_head.weight'}
    part = {'attn_norm': 'input_layernorm', 'ffn_norm': 'post_attention_layernorm', 'attn_q': 'self_attn.q_proj', 'attn_k': 'self_attn.k_proj',
            'attn_v': 'self_attn.v_proj', 'attn_output': 'self_attn.o_proj', 'ffn_gate': 'mlp.gate_proj', 'ffn_up': 'mlp.up_proj', 'ffn_down': 'mlp.down_proj'}
    sd = {}
    for t in r.tensors:
        w = torch.from_numpy(np.array(gguf.quants.dequantize(t.data, t.tensor_type), np.float32)).reshape(*reversed([int(n) for n in t.shape]))
        if t.name in rename: sd[rename[t.name]] = w; continue
        _, layer, kind, _ = t.name.split('.')
        n = {'attn_q': heads, 'attn_k': kv}.get(kind)
        if n: w = w.reshape(n, w.shape[0] // n // 2, 2, w.shape[1]).swapaxes(1, 2).reshape(w.shape)
        sd[f'model.layers.{layer}.{part[kind]}.weight'] = w.contiguous()
    c = LlamaConfig(hidden_size=f['llama.embedding_length'], intermediate_size=f['llama.feed_forward_length'], num_hidden_layers=f['llama.block_count'],
                    num_attention_heads=heads, num_key_value_heads=kv, vocab_size=len(f['tokenizer.ggml.tokens']), rms_norm_eps=f['llama.attention.layer_norm_rms_epsilon'],
                    rope_theta=f['llama.rope.freq_base'], max_position_embeddings=f['llama.context_length'], tie_word_embeddings='lm_head.weight' not in sd)
    tok = AutoTokenizer.from_pretrained(str(Path(path).parent), gguf_file=Path(path).name)
    if f['tokenizer.ggml.pre'] == 'smollm':
        # The model splits digits off first; transformers' GGUF reader knows GPT-2's rule alone, which cuts blank lines elsewhere.
        from tokenizers import pre_tokenizers as p
        tok.backend_tokenizer.pre_tokenizer = p.Sequence([p.Digits(individual_digits=True), p.ByteLevel(add_prefix_space=False)])
    return c, sd, tok


def load_folder(path):
    from safetensors.torch import load_file
    c = LlamaConfig(**json.loads((Path(path) / 'config.json').read_text()))
    sd = {k: v.float() for k, v in load_file(str(Path(path) / 'model.safetensors')).items()}
    return c, sd, PreTrainedTokenizerFast(tokenizer_file=str(Path(path) / 'tokenizer.json'))


def blocks(w, bits):
    """Round to nearest, symmetric, blocks of 32 along the input dimension."""
    z = 1 << (bits - 1)
    n, k = w.shape
    p = torch.zeros(n, -(-k // BLOCK) * BLOCK); p[:, :k] = w
    b = p.reshape(n, -1, BLOCK)
    m = torch.gather(b, 2, b.abs().argmax(-1, keepdim=True))
    s = -m / z
    q = torch.where(s == 0, torch.full_like(b, z), torch.clamp(torch.round(b / torch.where(s == 0, torch.ones_like(s), s)) + z, 0, 2 * z - 1))
    return ((q - z) * s).reshape(n, -1)[:, :k].contiguous()


STORE = {'fp32': lambda w: w, 'fp16': lambda w: w.half().float(), 'int8': lambda w: blocks(w, 8), 'int4': lambda w: blocks(w, 4)}
OUTER = {'fp32': 'fp32', 'fp16': 'fp16', 'int8': 'int8', 'int4': 'int8'}


def rows8(w):
    s = torch.clamp(w.abs().amax(1, keepdim=True), min=1e-12) / 127
    return torch.round(w / s), s


class Dyn8(torch.nn.Module):
    def __init__(self, w):
        super().__init__(); self.q, self.s = rows8(w)
    def product(self, a):
        # Sums of products of 8-bit integers are exact in float32 below 2^24, else taken in float64.
        return (a @ self.q.T) if a.shape[-1] * 127 * 127 < 2 ** 24 else (a.double() @ self.q.double().T).float()
    def forward(self, x):
        m = torch.clamp(x.abs().amax(-1, keepdim=True), min=1e-12)
        steps = x * (torch.tensor(127.0) / m)
        coarse = torch.round(steps)
        fine = torch.round((steps - coarse) * 254)
        scale = m * torch.tensor(1 / 127)
        return self.product(coarse) * self.s[:, 0] * scale + self.product(fine) * self.s[:, 0] * (scale * torch.tensor(1 / 254))


class Levels16(torch.nn.Module):
    """int8 as our own kernels multiply it: a scale per output; activations as 16-bit levels with one scale per token."""
    def __init__(self, w):
        super().__init__(); q, s = rows8(w); self.w = (q * s).double()
    def forward(self, x):
        s = torch.clamp(x.abs().amax(-1, keepdim=True), min=1e-30) / 32767
        return ((torch.round(x / s) * s).double() @ self.w.T).float()


JITTER = 0.0


def in_bytes(x):
    """Activations as bytes in blocks of 32."""
    if JITTER: x = x * (1 + JITTER * torch.randn(x.shape))
    b = x.reshape(*x.shape[:-1], -1, BLOCK)
    s = torch.clamp(b.abs().amax(-1, keepdim=True), min=1e-30) / 127
    return (torch.round(b / s) * s).reshape(x.shape).double()


class Blocks(torch.nn.Module):
    """Blocks of 32 as our own kernels multiply them as stored: bfloat16 scales; activations as bytes in blocks of 32."""
    def __init__(self, w, bits):
        super().__init__()
        b = w.reshape(w.shape[0], -1, BLOCK)
        s = torch.gather(b, 2, b.abs().argmax(-1, keepdim=True)) / -(1 << (bits - 1))  # the largest weight is as many steps below zero
        self.w = (b * torch.where(s == 0, torch.ones_like(s), s.bfloat16().float() / s)).reshape(w.shape).double()
    def forward(self, x):
        return (in_bytes(x) @ self.w.T).float()


class Blocks4(Blocks):
    def __init__(self, w): super().__init__(w, 4)


class Blocks8(Blocks):
    def __init__(self, w): super().__init__(w, 8)


# Of each form: 8-bit linear layers, 4-bit ones, the output projection.
FORMS = {'ort-cpu': (Dyn8, Dyn8, Dyn8), 'cpu': (Levels16, Blocks4, Levels16), 'bytes': (Blocks8, Blocks4, Blocks8)}


def mask24(w):
    g = w.reshape(w.shape[0], -1, 4)
    keep = torch.argsort(-g.abs(), dim=-1, stable=True)[..., :2]
    return torch.zeros_like(g).scatter(-1, keep, torch.gather(g, -1, keep)).reshape(w.shape)


def maskmag(w, share):
    flat = w.flatten().clone()
    order = torch.argsort(flat.abs(), stable=True)
    flat[order[: int(np.floor(share * flat.numel()))]] = 0
    return flat.reshape(w.shape)


def apply(c, sd, recipe, form='ort-cpu'):
    precision, *prunings = recipe.split('+')
    sd = dict(sd); L = c.num_hidden_layers; F = c.intermediate_size
    name = lambda i, k: f'model.layers.{i}.{"mlp" if k in ("gate", "up", "down") else "self_attn"}.{k}_proj.weight'
    kept = list(range(L))
    for p in prunings:
        if p.startswith('layers'):
            score = [(torch.linalg.norm(sd[name(i, 'o')]) + torch.linalg.norm(sd[name(i, 'down')])).item() for i in range(L)]
            drop = sorted(range(1, L - 1), key=lambda i: score[i])[: round(L * float(p[6:]) / 100)]
            kept = [i for i in kept if i not in drop]
    for p in prunings:
        if p.startswith('ffn'):
            keep_n = max(32, int(np.floor(F * (1 - float(p[3:]) / 100) / 32 + 0.5)) * 32)
            for i in kept:
                g, u, d = (sd[name(i, k)] for k in ('gate', 'up', 'down'))
                sc = g.norm(dim=1) * u.norm(dim=1) * d.norm(dim=0)
                idx = torch.sort(torch.argsort(-sc, stable=True)[:keep_n]).values
                sd[name(i, 'gate')], sd[name(i, 'up')], sd[name(i, 'down')] = g[idx], u[idx], d[:, idx]
            F = keep_n
    for i in kept:
        for k in ('q', 'k', 'v', 'o', 'gate', 'up', 'down'):
            w = sd[name(i, k)]
            for p in prunings:
                if p == '2:4': w = mask24(w)
                elif p.startswith('mag'): w = maskmag(w, float(p[3:]) / 100)
            sd[name(i, k)] = STORE[precision](w)
    for k in ('model.embed_tokens.weight', 'lm_head.weight'):
        if k in sd: sd[k] = STORE[OUTER[precision]](sd[k])
    c2 = LlamaConfig(**{**c.to_dict(), 'num_hidden_layers': len(kept), 'intermediate_size': F})
    new = {k: v for k, v in sd.items() if not k.startswith('model.layers.')}
    for j, i in enumerate(kept):
        new |= {k.replace(f'model.layers.{i}.', f'model.layers.{j}.'): v for k, v in sd.items() if k.startswith(f'model.layers.{i}.')}
    m = LlamaForCausalLM(c2).eval()
    missing, unexpected = m.load_state_dict(new, strict=False)
    assert not unexpected and all(x == 'lm_head.weight' for x in missing), (missing, unexpected)
    m.tie_weights() if c.tie_word_embeddings else None
    if precision in ('int8', 'int4'):
        head = m.lm_head.weight.detach()
        eight, four, outer = FORMS[form]
        linear = eight if precision == 'int8' else four
        for layer in m.model.layers:
            for owner, ks in ((layer.self_attn, 'qkvo'), (layer.mlp, ('gate', 'up', 'down'))):
                for k in ks: setattr(owner, f'{k}_proj', linear(getattr(owner, f'{k}_proj').weight.detach()))
        m.lm_head = outer(head)
        # Embeddings are rows of what the output projection is computed from.
        q, s = rows8(head)
        m.model.embed_tokens = torch.nn.Embedding.from_pretrained(m.lm_head.w.float() if form == 'bytes' else q * s)
    return m


@torch.no_grad()
def spread(m, ids, runs=8):
    """NLL where every layer's input changes as sums in another order change it (1e-6): mean and largest deviation. A byte of
    an activation that falls to the other side moves all that follows, so no two implementations agree better than this."""
    global JITTER
    x = torch.tensor([ids]); found = []
    JITTER = 1e-6
    for seed in range(runs):
        torch.manual_seed(seed)
        found.append(torch.nn.functional.cross_entropy(m(x).logits[0][:-1].double(), x[0, 1:]).item())
    JITTER = 0.0
    mean = sum(found) / runs
    return {'nll': mean, 'spread': max(abs(v - mean) for v in found)}


@torch.no_grad()
def figures(m, ids, generate=32):
    x = torch.tensor([ids])
    logits = m(x).logits[0]
    nll = torch.nn.functional.cross_entropy(logits[:-1].double(), x[0, 1:]).item()
    out, past, cur = [], None, x
    for _ in range(generate):
        r = m(cur, past_key_values=past, use_cache=True); past = r.past_key_values
        cur = r.logits[:, -1:].argmax(-1); out.append(cur.item())
    return {'nll': nll, 'top5': logits[-1].topk(5).indices.tolist(), 'greedy': out}


def main():
    name, path = sys.argv[1:3]
    c, sd, tok = load_gguf(path) if path.endswith('.gguf') else load_folder(path)
    ids = tok.encode(TEXTS[name], add_special_tokens=False)
    out = {'text': TEXTS[name], 'tokenIds': ids, 'recipes': {}, 'cpu': {}, 'bytes': {}}
    for r in RECIPES:
        for form, rows in (('ort-cpu', out['recipes']), ('cpu', out['cpu']), ('bytes', out['bytes'])):
            if form != 'ort-cpu' and not r.startswith('int'): continue
            m = apply(c, sd, r, form)
            rows[r] = figures(m, ids)
            if form == 'bytes' or form == 'cpu' and r.startswith('int4'): rows[r] |= spread(m, ids)
            print(form, r, rows[r]['nll'], rows[r]['top5'], flush=True)
    Path(f'tests/fixtures/nll-{name}.json').write_text(json.dumps(out, indent=1) + '\n')


if __name__ == "__main__":
    main()
