#!/usr/bin/env python3
"""Reference for calibrated compression, from PyTorch.

    python tests/oracle/compress.py fixture                 writes tests/fixtures/compress.json
    python tests/oracle/compress.py statistics              writes tests/fixtures/calibration.json
    python tests/oracle/compress.py nll PATH.gguf RECIPE..  NLL of recipes on tests/fixtures/texts, all made here
    python tests/oracle/compress.py check PATH.gguf FOLDER..
        the same beside the weights that `joulewise compress --calib tests/fixtures/texts/calibration.jsonl --out FOLDER` wrote,
        whose recipe their report.json names; exits 1 where the NLLs differ by more than 1 %

The papers' algorithms, written plainly in float64 where we use float32: Wanda (Sun et al. 2023), SparseGPT (Frantar & Alistarh
2023), GPTQ (Frantar et al. 2022), both with 1 % damping and blocks of 128 columns; scales of blocks of 32 are set when the loop
arrives at a block, `.gptq` tries 9 of them.
"""
import base64, json, sys
from pathlib import Path
import numpy as np, torch

BLOCK, WIDTH, DAMPING = 32, 128, 0.01


def inverse_factor(H):
    d = torch.diagonal(H)
    dead = d == 0
    H = H.clone()
    H[dead, dead] = 1
    H += torch.eye(len(H), dtype=H.dtype) * DAMPING * torch.diagonal(H).mean()
    return torch.linalg.cholesky(torch.cholesky_inverse(torch.linalg.cholesky(H)), upper=True), dead


def fit(w, d, zero, candidates, keep):
    """Scale of each row's block [rows, 32]; d = diagonal of U there."""
    v = w * keep if keep is not None else w
    full = -torch.gather(v, 1, v.abs().argmax(1, keepdim=True)) / zero
    best, low = full, torch.full_like(full, float('inf'))
    for n in range(candidates if candidates > 1 else 0):
        s = full * (1 - n / 32)
        safe = torch.where(s == 0, torch.ones_like(s), s)
        q = torch.clamp(torch.round(v / safe), -zero, zero - 1) * s
        loss = (((v - q) / d) ** 2).sum(1, keepdim=True)
        better = loss < low
        low, best = torch.where(better, loss, low), torch.where(better, s, best)
    return best


def ordered_columns(W, H, bits, candidates):
    """GPTQ with act-order and static groups: columns by falling diagonal, each block's scale fixed beforehand."""
    W, H = W.double().clone(), H.double()
    diagonal = torch.diagonal(H)
    W[:, diagonal == 0] = 0
    power = torch.where(diagonal == 0, torch.ones_like(diagonal), diagonal)
    order = torch.argsort(-power, stable=True)
    back = torch.argsort(order)
    U, _ = inverse_factor(H[order][:, order])
    zero, d = 1 << (bits - 1), torch.diagonal(U)[back]
    scale = torch.cat([fit(W[:, c:c + BLOCK], d[c:c + BLOCK], zero, candidates, None).expand(-1, min(BLOCK, W.shape[1] - c)) for c in range(0, W.shape[1], BLOCK)], 1)[:, order]
    w, out = W[:, order].clone(), torch.zeros_like(W)
    for i in range(w.shape[1]):
        safe = torch.where(scale[:, i] == 0, torch.ones_like(scale[:, i]), scale[:, i])
        out[:, i] = torch.clamp(torch.round(w[:, i] / safe), -zero, zero - 1) * scale[:, i]
        w[:, i:] -= ((w[:, i] - out[:, i]) / U[i, i])[:, None] * U[i, i:][None]
    return out[:, back].float()


def columns(W, H, mask=None, share=None, bits=0, candidates=1, tile=None):
    """mask: None, '2:4', 'share'. tile: rows that share one 2:4 pattern."""
    W = W.double().clone()
    U, dead = inverse_factor(H.double())
    W[:, dead] = 0
    rows, n = W.shape
    zero = 1 << (bits - 1) if bits else 0
    out = torch.zeros_like(W)
    for c0 in range(0, n, WIDTH):
        c1 = min(c0 + WIDTH, n)
        w, u = W[:, c0:c1].clone(), U[c0:c1, c0:c1]
        d = torch.diagonal(u)
        keep = torch.ones_like(w, dtype=torch.bool)
        if mask == 'share':
            order = torch.argsort((w / d).abs().flatten(), stable=True)
            flat = keep.flatten(); flat[order[: int(np.floor(share * flat.numel()))]] = False
            keep = flat.reshape(w.shape)
        errors = torch.zeros_like(w)
        scale = None
        for i in range(c1 - c0):
            if mask == '2:4' and i % 4 == 0 and i + 4 <= c1 - c0:
                s = (w[:, i:i + 4] / d[i:i + 4]) ** 2
                if tile:
                    s = torch.cat([s[r:r + tile].sum(0, keepdim=True).expand(min(tile, rows - r), 4) for r in range(0, rows, tile)])
                top = torch.argsort(-s, dim=1, stable=True)[:, :2]
                keep[:, i:i + 4] = torch.zeros_like(s, dtype=torch.bool).scatter(1, top, True)
            if bits and i % BLOCK == 0:
                j = min(i + BLOCK, c1 - c0)
                scale = fit(w[:, i:j], d[i:j], zero, candidates, keep[:, i:j] if mask == 'share' else None)[:, 0]
            q = w[:, i].clone()
            if bits:
                safe = torch.where(scale == 0, torch.ones_like(scale), scale)
                q = torch.clamp(torch.round(q / safe), -zero, zero - 1) * scale
            q[~keep[:, i]] = 0
            e = (w[:, i] - q) / d[i]
            w[:, i:] -= e[:, None] * u[i, i:][None]
            out[:, c0 + i] = q
            errors[:, i] = e
        W[:, c1:] -= errors @ U[c0:c1, c1:]
    return out.float()


def wanda(W, squares, pattern, share=None):
    s = W.double().abs() * squares.double().sqrt()
    if pattern == '2:4':
        g = s.reshape(len(W), -1, 4)
        keep = torch.zeros_like(g, dtype=torch.bool).scatter(-1, torch.argsort(-g, dim=-1, stable=True)[..., :2], True)
        return W * keep.reshape(W.shape)
    drop = torch.argsort(s, dim=1, stable=True)[:, : int(np.floor(share * W.shape[1]))]
    return W.clone().scatter(1, drop, 0.0)


def linear(recipe, W, H):
    """One linear layer under a recipe without structure."""
    precision, *rest = recipe.split('+')
    head, _, method = precision.partition('.')
    bits = {'int4': 4, 'int8': 8}.get(head, 0)
    candidates = 9 if method == 'gptq' else 1
    mask = rest[0] if rest else None
    sq = torch.diagonal(H)
    if mask and mask.startswith('sparsegpt'):
        p = mask[9:]
        return columns(W, H, '2:4' if p.startswith('2:4') else 'share', None if p.startswith('2:4') else float(p) / 100, bits, candidates, 128 if p == '2:4t' else None)
    if method == 'gptqact': return ordered_columns(W, H, bits, 9)
    if method == 'gptq' and not mask: return columns(W, H, None, None, bits, candidates)
    if mask and mask.startswith('wanda'): W = wanda(W, sq, '2:4' if mask == 'wanda2:4' else 'share', None if mask == 'wanda2:4' else float(mask[5:]) / 100)
    elif mask == '2:4':
        g = W.reshape(len(W), -1, 4); W = (torch.zeros_like(g).scatter(-1, (k := torch.argsort(-g.abs(), dim=-1, stable=True)[..., :2]), torch.gather(g, -1, k))).reshape(W.shape)
    import nll
    return nll.STORE[head](W)


RECIPES = ['fp32+wanda50', 'fp32+wanda2:4', 'fp32+sparsegpt50', 'fp32+sparsegpt2:4', 'fp32+sparsegpt2:4t', 'int4.gptq', 'int8.gptq', 'int4.gptqact', 'int8.gptqact', 'int8+sparsegpt2:4']


def fixture():
    torch.manual_seed(0)
    rows, n, tokens = 18, 144, 400
    X = torch.randn(tokens, n, dtype=torch.float64) @ (torch.eye(n, dtype=torch.float64) + 0.3 * torch.randn(n, n, dtype=torch.float64)) * torch.exp(torch.randn(n, dtype=torch.float64))
    X[:, 5] = 0
    H = (X.T @ X).float()
    W = torch.randn(rows, n)
    b = lambda t: base64.b64encode(t.float().contiguous().numpy().tobytes()).decode()
    iu = torch.triu_indices(n, n)
    out = {'rows': rows, 'columns': n, 'weights': b(W), 'gram': b(H[iu[0], iu[1]]), 'results': {r: b(linear(r, W, H)) for r in RECIPES}}
    Path('tests/fixtures/compress.json').write_text(json.dumps(out) + '\n')


def written(folder):
    """Weights as `joulewise compress` wrote them, and their recipe."""
    from safetensors.torch import load_file
    weights = {}
    for f in sorted(Path(folder).glob('model-*.safetensors')): weights |= {k: v.float() for k, v in load_file(f).items()}
    return json.loads((Path(folder) / 'report.json').read_text())['recipe'], weights


@torch.no_grad()
def model_nll(path, recipes, folders={}):
    """Prints the NLL of each recipe; returns the largest relative difference to the weights in `folders`."""
    import nll
    from transformers import LlamaForCausalLM
    torch.set_num_threads(2)
    c, sd, tok = nll.load_gguf(path)
    text = lambda name: [json.loads(l)['text'] for l in open(f'tests/fixtures/texts/{name}.jsonl')]
    stream = [i for t in text('calibration') for i in tok.encode(t, add_special_tokens=False)][: 48 * 256]
    calibration = torch.tensor(stream).reshape(48, 256)
    evaluation = torch.tensor([tok.encode(t, add_special_tokens=False)[:256] for t in text('evaluation')])
    def model(weights):
        m = LlamaForCausalLM(c).eval(); m.load_state_dict(weights, strict=False); m.tie_weights(); return m
    m = model(sd)
    grams = {}
    def hook(name):
        def f(_, inputs):
            x = inputs[0].reshape(-1, inputs[0].shape[-1])
            grams[name] = grams.get(name, 0) + x.T @ x
        return f
    hooks = [mod.register_forward_pre_hook(hook(name)) for name, mod in m.named_modules() if name.endswith(('q_proj', 'o_proj', 'gate_proj', 'down_proj'))]
    for batch in calibration.split(4): m.model(batch)
    for h in hooks: h.remove()
    score = lambda m: sum(torch.nn.functional.cross_entropy(m(b).logits[:, :-1].flatten(0, 1), b[:, 1:].flatten(), reduction='sum').item() for b in evaluation.split(4)) / evaluation[:, 1:].numel()
    worst = 0
    share = {'q': 'q', 'k': 'q', 'v': 'q', 'o': 'o', 'gate': 'gate', 'up': 'gate', 'down': 'down'}
    for recipe in recipes:
        new = dict(sd)
        if recipe != 'fp32':
            for name in sd:
                if not name.endswith('_proj.weight'): continue
                kind = name.split('.')[-2][:-5]
                new[name] = linear(recipe, sd[name], grams[name[:-7].replace(f'{kind}_proj', f'{share[kind]}_proj')])
            head = recipe.split('+')[0].split('.')[0]
            new['model.embed_tokens.weight'] = nll.STORE[nll.OUTER[head]](sd['model.embed_tokens.weight'])
        mm = model({k: v for k, v in new.items() if k != 'lm_head.weight'})
        row = {'recipe': recipe, 'nll': score(mm)}
        if recipe in folders:
            row['written'] = score(model(folders[recipe]))
            row['apart'] = row['written'] / row['nll'] - 1
            worst = max(worst, abs(row['apart']))
        print(json.dumps(row), flush=True)
    return worst


@torch.no_grad()
def statistics_fixture():
    """Tiny random models of three families, and what their linear layers read: tests/fixtures/calibration.json."""
    from transformers import AutoConfig, AutoModelForCausalLM
    torch.manual_seed(0)
    out = {}
    for kind in ('llama', 'qwen2', 'qwen3'):
        cfg = AutoConfig.for_model(kind, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=8,
                                   vocab_size=32, rms_norm_eps=1e-5, max_position_embeddings=64, tie_word_embeddings=True, rope_theta=100.0)
        if kind != 'qwen3': cfg.head_dim = 8; cfg.num_attention_heads = 2; cfg.num_key_value_heads = 1
        m = AutoModelForCausalLM.from_config(cfg).eval().float()
        for p in m.parameters(): p.copy_((p + 0.3 * torch.randn_like(p)).half().float())
        m = m.double()
        ids = torch.randint(0, 32, (3, 20))
        grams, cos, outs = {}, [], {}
        def pre(name):
            return lambda _, a: grams.__setitem__(name, grams.get(name, 0) + a[0].reshape(-1, a[0].shape[-1]).T @ a[0].reshape(-1, a[0].shape[-1]))
        def post(name):
            return lambda mod, _, y: outs.__setitem__(name, outs.get(name, 0) + ((y - (mod.bias if mod.bias is not None else 0)) ** 2).sum().item())
        for name, mod in m.named_modules():
            if name.endswith('_proj'): mod.register_forward_pre_hook(pre(name)); mod.register_forward_hook(post(name))
        for layer in m.model.layers:
            layer.register_forward_hook(lambda _, a, y: cos.append(torch.cosine_similarity(a[0], y[0] if isinstance(y, tuple) else y, dim=-1).sum().item()))
        m.model(ids)
        b = lambda t, d: base64.b64encode(t.contiguous().to(d).numpy().tobytes()).decode()
        def upper(g): i = torch.triu_indices(len(g), len(g)); return b(g[i[0], i[1]], torch.float32)
        out[kind] = {'config': {**cfg.to_dict(), 'rope_theta': 100.0}, 'ids': ids.tolist(), 'cosines': cos,
                     'weights': {k: {'shape': list(v.shape), 'data': b(v, torch.float16)} for k, v in m.state_dict().items() if k != 'lm_head.weight'},
                     'grams': {k: upper(g) for k, g in grams.items() if k.endswith(('q_proj', 'o_proj', 'gate_proj', 'down_proj'))}, 'outputSquares': outs}
    Path('tests/fixtures/calibration.json').write_text(json.dumps(out) + '\n')


if __name__ == '__main__':
    if sys.argv[1] == 'statistics': statistics_fixture(); sys.exit()
    if sys.argv[1] == 'fixture': fixture(); sys.exit()
    folders = dict(map(written, sys.argv[3:])) if sys.argv[1] == 'check' else {}
    sys.exit(model_nll(sys.argv[2], folders or sys.argv[3:], folders) > 0.01)
