"""Reference files and numbers for src/lib/checkpoint, from the gguf package, transformers and tokenizers.

Writes tests/fixtures/checkpoint/*. Needs: pip install gguf numpy torch transformers tokenizers.
Run from the repository root: python tests/oracle/checkpoint.py
"""

import base64
import json
from pathlib import Path

import gguf
import numpy as np
import tokenizers
import transformers
from gguf import GGMLQuantizationType as T
from gguf import quants
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

OUT = Path(__file__).resolve().parent.parent / "fixtures" / "checkpoint"
VERSIONS = {"transformers": transformers.__version__, "tokenizers": tokenizers.__version__}
rng = np.random.default_rng(7)

CORPUS = [
    "The microwave link between site 4711 and the hub lost its signal after heavy rain.",
    "Restart the router, then check the link: the signal is lost again when it rains.",
    "Power supply 2 of the base station failed; the battery took over for 35 minutes.",
    "Replace the power supply and reset the alarm. The station's alarm was cleared at 12:45.",
]
TEXTS = [
    "The power supply failed again",
    "link 4711 lost its signal at 12:45",
    "router's  two  spaces",
    " leading space and café, Zürich, 日本 🙂",
    "",
    "x",
]

b64 = lambda a: base64.b64encode(np.ascontiguousarray(a).tobytes()).decode()


def write(name, value):
    (OUT / name).write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")


# Storage types: random blocks with plausible float16 scales, and what the gguf package makes of them.
SCALES = {  # offsets of the float16 numbers of a block
    T.Q8_0: [0], T.Q4_0: [0], T.Q4_1: [0, 2], T.Q5_0: [0], T.Q5_1: [0, 2],
    T.Q4_K: [0, 2], T.Q5_K: [0, 2], T.Q6_K: [208],
}
BLOCKS = 8


def blocks():
    out = {}
    for qtype in [T.F16, T.BF16, *SCALES]:
        block, size = gguf.GGML_QUANT_SIZES[qtype]
        raw = rng.integers(0, 256, (BLOCKS * (64 if block == 1 else 1), size), dtype=np.uint8)
        if qtype == T.F16:
            raw = rng.normal(size=len(raw)).astype(np.float16).view(np.uint8).reshape(-1, size)
            values = raw.reshape(-1).view(np.float16).astype(np.float32)
        elif qtype == T.BF16:
            raw = (rng.normal(size=len(raw)).astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
            raw = raw.view(np.uint8).reshape(-1, size)
            values = quants.dequantize(raw, qtype).reshape(-1)
        else:
            for at in SCALES[qtype]:
                raw[:, at : at + 2] = rng.normal(size=(len(raw), 1)).astype(np.float16).view(np.uint8)
            values = quants.dequantize(raw, qtype).reshape(-1)
        out[qtype.name] = {"raw": b64(raw), "values": b64(values.astype(np.float32))}
    write("blocks.json", out)


def interleave(w, heads):
    """convert_hf_to_gguf.py: LlamaModel.permute."""
    return w.reshape(heads, 2, w.shape[0] // heads // 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


def byte_level():
    """A byte-level BPE trained on a few sentences, as SmolLM's: digits apart."""
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    t.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=340,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    t.train_from_iterator(CORPUS, trainer)
    return t


def tiny_gguf():
    """A Llama of one layer with every kind of weight type a row of 32 can have, q and k interleaved as llama.cpp wants."""
    hidden, heads, kv, dim, ffn = 32, 4, 2, 8, 64
    tokenizer = byte_level()
    model = json.loads(tokenizer.to_str())["model"]
    tokens = [t for t, _ in sorted(model["vocab"].items(), key=lambda x: x[1])]
    merges = [m if isinstance(m, str) else " ".join(m) for m in model["merges"]]
    w = gguf.GGUFWriter(str(OUT / "tiny.gguf"), "llama")
    w.add_name("tiny")
    w.add_context_length(128)
    w.add_embedding_length(hidden)
    w.add_block_count(1)
    w.add_feed_forward_length(ffn)
    w.add_head_count(heads)
    w.add_head_count_kv(kv)
    w.add_layer_norm_rms_eps(1e-5)
    w.add_rope_freq_base(10000.0)
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("smollm")
    w.add_token_list(tokens)
    w.add_token_types([gguf.TokenType.CONTROL if i < 3 else gguf.TokenType.NORMAL for i in range(len(tokens))])
    w.add_token_merges(merges)
    w.add_bos_token_id(1)
    w.add_eos_token_id(2)
    w.add_chat_template("{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}")
    expected = {}

    def put(name, ours, shape, qtype=T.F32, permute=None):
        value = rng.normal(size=shape).astype(np.float32)
        stored = value if permute is None else interleave(value, permute)
        if qtype == T.F32:
            w.add_tensor(name, stored)
        else:
            q = quants.quantize(stored, qtype)
            w.add_tensor(name, q, raw_dtype=qtype)
            # What a reader should see: the quantized numbers, in the original order of rows.
            value = quants.dequantize(q, qtype)
            if permute is not None:
                value = value.reshape(permute, shape[0] // permute // 2, 2, -1).swapaxes(1, 2).reshape(shape)
        expected[ours] = {"shape": list(shape), "values": b64(value.astype(np.float32))}

    layer = "model.layers.0."
    put("token_embd.weight", "model.embed_tokens.weight", (len(tokens), hidden), T.Q8_0)
    put("blk.0.attn_norm.weight", layer + "input_layernorm.weight", (hidden,))
    put("blk.0.ffn_norm.weight", layer + "post_attention_layernorm.weight", (hidden,))
    put("blk.0.attn_q.weight", layer + "self_attn.q_proj.weight", (heads * dim, hidden), T.F32, heads)
    put("blk.0.attn_k.weight", layer + "self_attn.k_proj.weight", (kv * dim, hidden), T.Q8_0, kv)
    put("blk.0.attn_v.weight", layer + "self_attn.v_proj.weight", (kv * dim, hidden), T.Q5_1)
    put("blk.0.attn_output.weight", layer + "self_attn.o_proj.weight", (hidden, heads * dim), T.Q4_0)
    put("blk.0.ffn_gate.weight", layer + "mlp.gate_proj.weight", (ffn, hidden), T.Q4_1)
    put("blk.0.ffn_up.weight", layer + "mlp.up_proj.weight", (ffn, hidden), T.Q5_0)
    put("blk.0.ffn_down.weight", layer + "mlp.down_proj.weight", (hidden, ffn), T.BF16)
    put("output_norm.weight", "model.norm.weight", (hidden,))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    write("tiny.json", {
        "tensors": expected,
        "texts": [{"text": t, "ids": tokenizer.encode(t).ids} for t in TEXTS],
    })


SPACE = "\u2581"


def sentencepiece_encode(text, ids, scores, unknown):
    """SentencePiece's BPE (bpe_model.cc): join the neighbours whose piece scores best, leftmost first; bytes for what is left over."""
    pieces = list(SPACE + text.replace(" ", SPACE)) if text else []
    while True:
        best = None
        for i in range(len(pieces) - 1):
            id = ids.get(pieces[i] + pieces[i + 1])
            if id is not None and (best is None or scores[id] > best[0]):
                best = (scores[id], i)
        if best is None:
            break
        i = best[1]
        pieces[i : i + 2] = [pieces[i] + pieces[i + 1]]
    out = []
    for p in pieces:
        if p in ids:
            out.append(ids[p])
        else:
            out += [ids[f"<0x{b:02X}>"] for b in p.encode()]
    return out


def sentencepiece():
    t = Tokenizer(models.BPE())
    t.normalizer = normalizers.Sequence([normalizers.Prepend(SPACE), normalizers.Replace(" ", SPACE)])
    t.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=160, show_progress=False))
    model = json.loads(t.to_str())["model"]
    merged = ["".join(m if isinstance(m, list) else m.split(" ")) for m in model["merges"]]
    merged = list(dict.fromkeys(merged))
    letters = sorted({c for s in CORPUS for c in s.replace(" ", SPACE)} | {SPACE})
    tokens = ["<unk>", "<s>", "</s>", *[f"<0x{b:02X}>" for b in range(256)], *merged, *letters]
    types = [2, 3, 3, *[6] * 256, *[1] * (len(merged) + len(letters))]
    scores = [0.0] * 259 + [-float(i) for i in range(len(merged) + len(letters))]
    ids = {t: i for i, t in enumerate(tokens)}
    write("sentencepiece.json", {
        "tokens": tokens,
        "types": types,
        "scores": scores,
        "texts": [{"text": t, "ids": [1, *sentencepiece_encode(t, ids, scores, 0)]} for t in TEXTS],
    })


def rope():
    rows = []
    for scaling in [
        None,
        {"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192},
        {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192},
    ]:
        config = {
            "model_type": "llama", "hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16,
            "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 64, "vocab_size": 128256,
            "rms_norm_eps": 1e-5, "max_position_embeddings": 131072,
        }
        theta = 500000.0
        parameters = {"rope_theta": theta, **(scaling or {"rope_type": "default"})}
        if scaling:
            frequencies, _ = ROPE_INIT_FUNCTIONS["llama3"](LlamaConfig(**config, rope_parameters=parameters), "cpu")
            frequencies = frequencies.tolist()
        else:
            frequencies = (1 / theta ** (np.arange(0, 64, 2) / 64)).tolist()
        rows.append({"config": {**config, "rope_theta": theta, "rope_scaling": scaling}, "frequencies": frequencies})
    write("rope.json", rows)


def half():
    """numpy's float32 -> float16 at the edges."""
    values = [0.0, -0.0, 1.0, 65504.0, 65519.996, 65520.0, -65536.0, 1e30, 2**-24, 2**-25, 2**-25 * 1.0001, 2**-26,
              3 * 2**-25, 5 * 2**-25, 2**-14, 2**-14 - 2**-25, 1 + 2**-11, 1 + 3 * 2**-11, 1 + 2**-11 + 2**-20, 0.1, -1 / 3, 2049.0, 2051.0]
    values += rng.normal(scale=1, size=200).tolist() + rng.normal(scale=2**-16, size=200).tolist() + rng.normal(scale=40000, size=100).tolist()
    x = np.array(values, dtype=np.float32)
    with np.errstate(over="ignore"):
        h = x.astype(np.float16)
    write("half.json", {"values": b64(x), "halves": b64(h)})


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    blocks()
    tiny_gguf()
    sentencepiece()
    rope()
    half()
    write("versions.json", VERSIONS)
    print(*sorted(p.name for p in OUT.iterdir()))
