"""Trains Joulewise's built-in checkpoint: a small Llama with its own byte-level BPE tokenizer.

`builtin.sh` runs the two stages that made the shipped weights. Runs on one CPU thread with fixed seeds; `--steps` fixes the
amount of work. `--probe N` trains N steps, prints the speed and stops.
"""

import argparse
import json
import math
import random
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM

SEED = 20250101
VOCABULARY = 2048
PAD, IM_START, IM_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
CHAT_TEMPLATE = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
SHAPE = {
    "vocab_size": VOCABULARY,
    "hidden_size": 256,
    "intermediate_size": 768,
    "num_hidden_layers": 4,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "hidden_act": "silu",
    "max_position_embeddings": 1024,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "tie_word_embeddings": True,
    "attention_bias": False,
    "mlp_bias": False,
    "initializer_range": 0.02,
    "bos_token_id": None,
    "eos_token_id": 2,
    "pad_token_id": 0,
}


def read(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def render(messages):
    """The chat template with a generation prompt."""
    turns = "".join(f"{IM_START}{m['role']}\n{m['content']}{IM_END}\n" for m in messages)
    return f"{turns}{IM_START}assistant\n"


def train_tokenizer(rows):
    """Same form as SmolLM2's: single digits, then byte-level BPE; special tokens 0, 1 and 2."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[PAD, IM_START, IM_END],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    # The answer after a space and after a line break: a word has a token of its own in both places.
    texts = (t for r in rows for t in (*(m["role"] + "\n" + m["content"] for m in r["messages"]), r["answer"]))
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def encode(tokenizer, row):
    prompt = tokenizer.encode(render(row["messages"])).ids
    answer = tokenizer.encode(row["answer"]).ids + [tokenizer.token_to_id(IM_END)]
    return prompt, answer


def answer_weight(length):
    """A cause has three tokens where a response has thirty: weigh it up, so that both tasks are learned."""
    return 4.0 if length < 8 else 1.0


def batches(lengths, size, rng):
    """Batches of near-equal length, in random order: sorted within random windows of 50 batches."""
    order = list(range(len(lengths)))
    rng.shuffle(order)
    window = size * 50
    out = []
    for start in range(0, len(order), window):
        part = sorted(order[start : start + window], key=lengths.__getitem__)
        out += [part[i : i + size] for i in range(0, len(part), size)]
    rng.shuffle(out)
    return out


def collate(examples, prompt_weight, answer_weight=lambda length: 1.0):
    """Right-padded ids and the weight of each token as a target. Causal attention never looks at the padding."""
    width = max(len(p) + len(a) for p, a in examples)
    ids = torch.zeros(len(examples), width, dtype=torch.long)
    weights = torch.zeros(len(examples), width)
    for i, (prompt, answer) in enumerate(examples):
        ids[i, : len(prompt) + len(answer)] = torch.tensor(prompt + answer)
        weights[i, 1 : len(prompt)] = prompt_weight
        weights[i, len(prompt) : len(prompt) + len(answer)] = answer_weight(len(answer))
    return ids, weights


def loss_of(model, ids, weights):
    logits = model(input_ids=ids[:, :-1], use_cache=False).logits.float()
    losses = F.cross_entropy(logits.transpose(1, 2), ids[:, 1:], reduction="none")
    return (losses * weights[:, 1:]).sum() / weights[:, 1:].sum()


def learning_rate(step, steps, peak, warmup=100, floor=0.03):
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup))))


def train(model, data, args, watch):
    rng = random.Random(SEED)
    decay = [p for p in model.parameters() if p.dim() > 1]
    rest = [p for p in model.parameters() if p.dim() <= 1]
    optimiser = torch.optim.AdamW(
        [{"params": decay, "weight_decay": 0.05}, {"params": rest, "weight_decay": 0.0}], lr=args.lr, betas=(0.9, 0.95)
    )
    lengths = [len(p) + len(a) for p, a in data]
    steps = args.probe or args.steps
    queue, tokens, began, running = [], 0, time.time(), None
    for step in range(steps):
        queue = queue or batches(lengths, args.batch, rng)
        ids, weights = collate([data[i] for i in queue.pop()], args.prompt_weight, answer_weight)
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, args.steps, args.lr)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=args.bf16):
            loss = loss_of(model, ids, weights)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        tokens += ids.numel()
        running = loss.item() if running is None else 0.98 * running + 0.02 * loss.item()
        if step % 50 == 0 or step == steps - 1:
            speed = tokens / (time.time() - began)
            print(f"step {step} loss {running:.4f} tokens {tokens} {speed:.0f} tokens/s", flush=True)
        if step % 500 == 499:
            model.eval()
            print(f"  {watch()}", flush=True)
            model.train()
    return {"steps": steps, "tokens": tokens, "seconds": round(time.time() - began), "loss": running}


@torch.inference_mode()
def answer_log_probs(model, prompt, answers):
    """Sum of log-probabilities of each answer (nats), end token included."""
    ids, weights = collate([(prompt, a) for a in answers], 0.0)
    logits = model(input_ids=ids[:, :-1], use_cache=False).logits.float()
    losses = F.cross_entropy(logits.transpose(1, 2), ids[:, 1:], reduction="none")
    return -(losses * weights[:, 1:]).sum(1)


@torch.inference_mode()
def generate(model, prompt, limit, end):
    ids, cache, out = torch.tensor([prompt]), None, []
    for _ in range(limit):
        result = model(input_ids=ids, past_key_values=cache, use_cache=True)
        cache, token = result.past_key_values, int(result.logits[0, -1].argmax())
        if token == end:
            break
        out.append(token)
        ids = torch.tensor([[token]])
    return out


def evaluate(model, tokenizer, rows, limit, split="test"):
    """Scores on one split of the app's demo dataset, of which nothing was trained on."""
    from rouge_score.rouge_scorer import RougeScorer
    from sklearn.metrics import accuracy_score, f1_score

    end = tokenizer.token_to_id(IM_END)
    held_out = [r for r in rows if r["split"] == split]
    truth, guess = [], []
    for row in [r for r in held_out if r["task"] == "rca"][:limit]:
        prompt, _ = encode(tokenizer, row)
        candidates = [tokenizer.encode(c).ids + [end] for c in row["causes"]]
        guess.append(row["causes"][int(answer_log_probs(model, prompt, candidates).argmax())])
        truth.append(row["answer"])
    scorer = RougeScorer(["rougeL"], use_stemmer=False)
    rouge, nll, count, samples = [], 0.0, 0, []
    for row in [r for r in held_out if r["task"] == "response"][:limit]:
        prompt, answer = encode(tokenizer, row)
        nll -= float(answer_log_probs(model, prompt, [answer])[0])
        count += len(answer)
        text = tokenizer.decode(generate(model, prompt, 64, end))
        rouge.append(scorer.score(row["answer"], text)["rougeL"].fmeasure)
        samples.append((row["answer"], text))
    return {
        "rca_n": len(truth),
        "rca_accuracy": accuracy_score(truth, guess),
        "rca_macro_f1": f1_score(truth, guess, average="macro"),
        "response_n": len(rouge),
        "response_rouge_l": sum(rouge) / max(1, len(rouge)),
        "response_nll_per_token": nll / max(1, count),
    }, samples


def save(model, tokenizer, out):
    out.mkdir(parents=True, exist_ok=True)
    weights = {k: v.detach().to(torch.float16).contiguous() for k, v in model.state_dict().items() if k != "lm_head.weight"}
    save_file(weights, out / "model.safetensors", metadata={"format": "pt"})
    tokenizer.save(str(out / "tokenizer.json"))
    files = {
        "config.json": {"architectures": ["LlamaForCausalLM"], "model_type": "llama", **SHAPE, "torch_dtype": "float16"},
        "tokenizer_config.json": {
            "add_prefix_space": False,
            "added_tokens_decoder": {
                str(i): {"content": t, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}
                for i, t in enumerate([PAD, IM_START, IM_END])
            },
            "additional_special_tokens": [IM_START, IM_END],
            "bos_token": None,
            "chat_template": CHAT_TEMPLATE,
            "clean_up_tokenization_spaces": False,
            "eos_token": IM_END,
            "model_max_length": SHAPE["max_position_embeddings"],
            "pad_token": PAD,
            "tokenizer_class": "GPT2Tokenizer",
            "unk_token": None,
        },
        "generation_config.json": {"eos_token_id": 2, "pad_token_id": 0, "do_sample": False},
    }
    for name, content in files.items():
        (out / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", required=True)
    parser.add_argument("--test", required=True)
    parser.add_argument("--out", default="static/builtin", type=Path)
    parser.add_argument("--steps", default=2600, type=int)
    parser.add_argument("--batch", default=16, type=int)
    parser.add_argument("--lr", default=2e-3, type=float)
    parser.add_argument("--prompt-weight", default=0.1, type=float)
    parser.add_argument("--bf16", action="store_true", help="autocast to bfloat16")
    parser.add_argument("--resume", type=Path, help="start from the weights and tokenizer of this folder")
    parser.add_argument("--rca-share", default=1.0, type=float, help="share of the RCA examples to train on")
    parser.add_argument("--probe", default=0, type=int)
    parser.add_argument("--limit", default=400, type=int, help="test tickets per task")
    args = parser.parse_args()

    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    rows = read(args.train)
    tokenizer = Tokenizer.from_file(str(args.resume / "tokenizer.json")) if args.resume else train_tokenizer(rows)
    keep = random.Random(SEED)
    rows = [r for r in rows if r["task"] != "rca" or keep.random() < args.rca_share]
    data = [encode(tokenizer, row) for row in rows]
    lengths = sorted(len(p) + len(a) for p, a in data)
    model = LlamaForCausalLM(LlamaConfig(**SHAPE, attn_implementation="sdpa"))
    if args.resume:
        # Tied weights are stored once, so the output matrix is not among them.
        model.load_state_dict(load_file(args.resume / "model.safetensors"), strict=False)
    print(f"{sum(p.numel() for p in model.parameters())} parameters, vocabulary {tokenizer.get_vocab_size()},")
    print(f"{len(data)} examples of {lengths[0]}..{lengths[-1]} tokens, median {lengths[len(lengths) // 2]}", flush=True)
    test = read(args.test)
    summary = train(model, data, args, lambda: evaluate(model, tokenizer, test, 50, "validation")[0])
    if args.probe:
        return
    # Scores are those of the weights that ship: rounded to half precision.
    model.half().float().eval()
    save(model, tokenizer, args.out)
    scores, samples = evaluate(model, tokenizer, test, args.limit)
    for truth, text in samples[:8]:
        print(f"  reference: {truth}\n  generated: {text}")
    print(json.dumps({**summary, **scores}, indent=2), flush=True)


if __name__ == "__main__":
    main()
