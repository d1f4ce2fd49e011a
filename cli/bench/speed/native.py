#!/usr/bin/env python3
"""Speed of a native runtime on a GGUF file, beside the browser's: prints {"prefill": tokens/s, "decode": tokens/s} as JSON.

    python native.py llama|torch FILE.gguf THREADS PREFILL DECODE REPEATS

Exits 3 where the runtime is not installed: the bench then leaves its rows out. Medians of REPEATS after one warm-up.
"""
import json, statistics, sys, time
from pathlib import Path

runtime, path, threads, prefill, decode, repeats = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
prompt = [1000 + i % 7000 for i in range(prefill)]

if runtime == 'llama':
    try:
        import llama_cpp
    except ImportError:
        sys.exit(3)
    llm = llama_cpp.Llama(path, n_ctx=1024, n_batch=512, n_threads=threads, n_threads_batch=threads, verbose=False)

    def once():
        llm.reset()
        start = time.perf_counter()
        llm.eval(prompt)
        middle = time.perf_counter()
        for i in range(decode):
            llm.eval([prompt[i]])
        return middle - start, time.perf_counter() - middle
else:
    try:
        import torch
        from transformers import AutoModelForCausalLM
        import gguf  # noqa: F401  transformers reads GGUF through it
    except ImportError:
        sys.exit(3)
    torch.set_num_threads(threads)
    model = AutoModelForCausalLM.from_pretrained(str(Path(path).parent), gguf_file=Path(path).name, dtype=torch.float32)

    @torch.no_grad()
    def once():
        start = time.perf_counter()
        out = model(torch.tensor([prompt]), use_cache=True, logits_to_keep=1)
        middle = time.perf_counter()
        for i in range(decode):
            out = model(torch.tensor([[prompt[i]]]), past_key_values=out.past_key_values, use_cache=True)
        return middle - start, time.perf_counter() - middle

times = [once() for _ in range(repeats + 1)][1:]
first, second = (statistics.median(t[i] for t in times) for i in (0, 1))
print(json.dumps({'prefill': prefill / first, 'decode': decode / second}))
