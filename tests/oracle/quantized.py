"""Writes tests/fixtures/quantized: one tiny Llama as four formats leave it on disk, and the loss of what they decode to.

    pip install torch transformers safetensors numpy
    pip install --no-deps mlx mlx-cpu compressed-tensors loguru
    python tests/oracle/quantized.py

MLX and compressed-tensors are packed by their own packages (mlx 0.32, compressed-tensors 0.20). GPTQModel and AutoAWQ
need a GPU, so those two are written here by the layouts that they document: GPTQ (qweight [in/8, out], zeros one too small
or, as v2, whole; with act-order g_idx), AWQ's GEMM order (0 2 4 6 1 3 5 7).
"""

import json
import pathlib

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM

OUT = pathlib.Path(__file__).resolve().parents[1] / "fixtures" / "quantized"
HIDDEN, FFN, VOCAB, GROUP = 32, 64, 48, 16
IDS = [(7 * i * i + 3 * i + 1) % VOCAB for i in range(40)]

torch.manual_seed(5)
config = LlamaConfig(
    hidden_size=HIDDEN, intermediate_size=FFN, num_hidden_layers=1, num_attention_heads=4, num_key_value_heads=2,
    vocab_size=VOCAB, max_position_embeddings=64, tie_word_embeddings=True, rms_norm_eps=1e-5,
    bos_token_id=None, eos_token_id=2, initializer_range=0.3,
)
model = LlamaForCausalLM(config).eval()
plain = {k: v.clone() for k, v in model.state_dict().items() if k != "lm_head.weight"}
linears = [k for k in plain if k.endswith("_proj.weight")]


def loss_of(weights):
    model.load_state_dict({**plain, **weights}, strict=False)
    model.tie_weights()
    with torch.no_grad():
        logits = model(torch.tensor([IDS])).logits[0].double().log_softmax(-1)
    return float(-logits[torch.arange(len(IDS) - 1), torch.tensor(IDS[1:])].mean())


def write(name, tensors, decoded, **said):
    folder = OUT / name
    folder.mkdir(parents=True, exist_ok=True)
    save_file({k: v.contiguous() for k, v in tensors.items()}, folder / "model.safetensors", metadata={"format": "pt"})
    base = {k: v for k, v in config.to_dict().items() if k not in ("dtype", "_name_or_path")}
    (folder / "config.json").write_text(json.dumps({**base, "architectures": ["LlamaForCausalLM"], **said}, indent=1) + "\n")
    losses[name] = loss_of(decoded)


losses = {"plain": loss_of({})}
rest = {k: v for k, v in plain.items() if k not in linears}


def asymmetric(w, bits, order=None):
    """Levels, zeros and half-precision scales of groups of inputs: (q [out, in], z [out, groups], s [out, groups])."""
    w = w if order is None else w[:, order]
    g = w.reshape(w.shape[0], -1, GROUP)
    low, high = g.amin(-1).clamp(max=0), g.amax(-1).clamp(min=0)
    s = ((high - low) / (2**bits - 1)).half().float()
    z = (-low / s).round().clamp(1, 2**bits - 1)
    q = (g / s[..., None] + z[..., None]).round().clamp(0, 2**bits - 1)
    value = ((q - z[..., None]) * s[..., None]).reshape(w.shape)
    q = q.reshape(w.shape)
    if order is not None:
        back = torch.argsort(order)
        q, value = q[:, back], value[:, back]
    return q.long().numpy(), z.long().numpy(), s, value


def words(levels, bits, places=None):
    """Packs the first axis, 32 / bits numbers a word, number i at `places[i]`."""
    each = 32 // bits
    places = places or list(range(each))
    out = np.zeros((levels.shape[0] // each, *levels.shape[1:]), np.uint32)
    for i in range(each):
        out |= (levels[i::each].astype(np.uint32) & (2**bits - 1)) << np.uint32(bits * places[i])
    return torch.from_numpy(out.view(np.int32))


def gptq(bits, version, order):
    tensors, decoded = dict(rest), {}
    for name in linears:
        module, w = name.removesuffix(".weight"), plain[name]
        perm = torch.randperm(w.shape[1]) if order else None
        q, z, s, value = asymmetric(w, bits, perm)
        group = np.arange(w.shape[1]) // GROUP
        if order:
            group = group[torch.argsort(perm).numpy()]
        less = 1 if version == "gptq" else 0
        tensors[f"{module}.qweight"] = words(q.T, bits)
        tensors[f"{module}.qzeros"] = words(z - less, bits).T
        tensors[f"{module}.scales"] = s.T.half()
        tensors[f"{module}.g_idx"] = torch.from_numpy(group.astype(np.int32))
        decoded[name] = value
    return tensors, decoded


for name, bits, version, order in [("gptq-4bit", 4, "gptq", False), ("gptq-v2-8bit-order", 8, "gptq_v2", True)]:
    tensors, decoded = gptq(bits, version, order)
    write(name, tensors, decoded, quantization_config={
        "quant_method": "gptq", "bits": bits, "group_size": GROUP, "desc_act": order, "sym": False, "lm_head": False,
        "checkpoint_format": version,
    })

tensors, decoded = dict(rest), {}
for name in linears:
    module = name.removesuffix(".weight")
    q, z, s, value = asymmetric(plain[name], 4)
    places = [0, 4, 1, 5, 2, 6, 3, 7]
    tensors[f"{module}.qweight"] = words(q, 4, places).T
    tensors[f"{module}.qzeros"] = words(z, 4, places).T
    tensors[f"{module}.scales"] = s.T.half()
    decoded[name] = value
write("awq-4bit", tensors, decoded, quantization_config={
    "quant_method": "awq", "bits": 4, "group_size": GROUP, "zero_point": True, "version": "gemm",
    "modules_to_not_convert": None,
})

from compressed_tensors.compressors.pack_quantized import pack_to_int32  # noqa: E402

for bits, symmetric in [(4, True), (8, True), (4, False)]:
    tensors, decoded = dict(rest), {}
    for name in linears:
        module, w = name.removesuffix(".weight"), plain[name]
        half = 2 ** (bits - 1)
        if symmetric:
            g = w.reshape(w.shape[0], -1, GROUP)
            s = (g.abs().amax(-1) / (half - 1)).bfloat16().float()
            q = (g / s[..., None]).round().clamp(-half, half - 1)
            value = (q * s[..., None]).reshape(w.shape)
        else:
            levels, z, s, value = asymmetric(w, bits)
            q = torch.from_numpy(levels - half).reshape(w.shape[0], -1, GROUP)
            s = s.bfloat16().float()
            zero = torch.from_numpy(z - half)
            value = ((q - zero[..., None]) * s[..., None]).reshape(w.shape)
            tensors[f"{module}.weight_zero_point"] = pack_to_int32(zero.to(torch.int8), bits, packed_dim=0)
        tensors[f"{module}.weight_packed"] = pack_to_int32(q.reshape(w.shape).to(torch.int8), bits)
        tensors[f"{module}.weight_shape"] = torch.tensor(w.shape)
        tensors[f"{module}.weight_scale"] = s.bfloat16()
        decoded[name] = value.float()
    write(f"compressed-{bits}bit{'' if symmetric else '-asym'}", tensors, decoded, quantization_config={
        "quant_method": "compressed-tensors", "format": "pack-quantized", "quantization_status": "compressed",
        "global_compression_ratio": None, "kv_cache_scheme": None, "ignore": ["lm_head"],
        "config_groups": {"group_0": {
            "targets": ["Linear"], "input_activations": None, "output_activations": None,
            "weights": {"num_bits": bits, "type": "int", "symmetric": symmetric, "strategy": "group", "group_size": GROUP,
                        "dynamic": False, "actorder": None, "block_structure": None, "observer": "minmax",
                        "observer_kwargs": {}},
        }},
    })

import mlx.core as mx  # noqa: E402

for bits in (3, 4, 6, 8):
    tensors, decoded = {k: v for k, v in rest.items() if k != "model.embed_tokens.weight"}, {}
    for name in [*linears, "model.embed_tokens.weight"]:
        module = name.removesuffix(".weight")
        q, s, b = mx.quantize(mx.array(plain[name].numpy()), group_size=32, bits=bits)
        tensors[name] = torch.from_numpy(np.array(q))
        tensors[f"{module}.scales"] = torch.from_numpy(np.array(s))
        tensors[f"{module}.biases"] = torch.from_numpy(np.array(b))
        decoded[name] = torch.from_numpy(np.array(mx.dequantize(q, s, b, group_size=32, bits=bits)))
    how = {"group_size": 32, "bits": bits, "mode": "affine"}
    write(f"mlx-{bits}bit", tensors, decoded, quantization=how, quantization_config=how)

(OUT / "losses.json").write_text(json.dumps({"ids": IDS, "losses": losses}, indent=1) + "\n")
print(losses)
