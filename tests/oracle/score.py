"""Reference numbers for src/lib/score, from scikit-learn, rouge-score and sacrebleu.

Writes tests/fixtures/score/*.json. Needs: pip install scikit-learn rouge-score sacrebleu regex.
Run from the repository root: python tests/oracle/score.py
"""

import json
import math
import random
import unicodedata
from pathlib import Path

import numpy as np
import regex
import sacrebleu
import sklearn
from rouge_score.rouge_scorer import RougeScorer
from rouge_score.tokenize import tokenize as rouge_tokenize
from rouge_score.tokenizers import Tokenizer
from sacrebleu.metrics import BLEU, CHRF
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, log_loss

OUT = Path(__file__).resolve().parent.parent / "fixtures" / "score"
VERSIONS = {"scikit-learn": sklearn.__version__, "rouge-score": "0.1.2", "sacrebleu": sacrebleu.__version__}

PAIRS = [
    # reference, output
    ("Replace the fibre patch between ODF-3 and RU-12.", "Replace the fibre patch between ODF-3 and RU-12."),
    ("Replace the fibre patch between ODF-3 and RU-12.", "replace THE fiber patch, between odf 3 and ru 12"),
    ("Restart the BGP session with AS64512; then clear counters.", ""),
    ("", "Something where nothing was wanted."),
    ("", ""),
    ("ok", "ok"),
    ("ok", "no"),
    ("a", "b"),
    ("Reset port 1/0/24, set MTU=1,500 and re-seat the SFP+ (10GBASE-LR).", "Set MTU = 1500. Reset port 1/0/24 and reseat SFP+!"),
    ("Voltage -48.2 V fell to -41.9 V at 03:15, i.e. 13.1%.", "At 3:15 voltage fell to -41.9V, 13.1 % lower."),
    ("Remplacer l'émetteur défectueux à l'étage 2 - puis vérifier l'alarme.", "Remplacer l’émetteur à l'étage 2, puis vérifier les alarmes."),
    ("光ファイバーを交換してください。再起動後に確認。", "光ファイバーの交換。再起動して確認してください。"),
    ("Kühlung ausgefallen: Lüfter 3 tauschen \U0001f525\U0001f525 sofort", "Lüfter 3 tauschen \U0001f525 dann prüfen"),
    ("\U0001f600\U0001f600\U0001f600", "\U0001f600\U0001f600"),
    ("\U0001f600. x\u0301y, \U0001f602.", "\U0001f600. xy, \U0001f602,"),
    ("line one\nline two -\nhyphen-\nated", "line one line two hyphenated\n\n"),
    ("tabs\tand\u00a0nbsp\u2003em\u3000wide\x1cfs\x85nel\ufeffbom", "tabs and nbsp em wide fs nel bom"),
    ("Tom &amp; Jerry say &quot;a &lt; b&gt;&quot; &amp;lt; <skipped>x", 'Tom & Jerry say "a < b>" &lt; x'),
    ("the the the the the the", "the the"),
    ("the cat the cat on the mat", "the cat on the mat the cat the cat"),
    ("Обрыв кабеля на участке. Ошибка настройки.", "Обрыв кабеля; ошибка настройки маршрутизатора"),
    ("光缆被挖断导致链路中断，已重启路由器 R2。", "光缆中断。已更换光模块并重启 R2"),
    ("สายไฟเบอร์ขาด รีสตาร์ทเราเตอร์แล้ว", "สายไฟเบอร์ขาด เปลี่ยนเราเตอร์"),
    ("انقطاع كابل الألياف وتعطل الوصلة", "انقطاع كابل الألياف"),
    ("ऑप्टिकल केबल कट गई, राउटर पुनः आरंभ किया", "ऑप्टिकल केबल कट गई"),
    ("광케이블 절단으로 링크가 다운", "광케이블 절단, 링크 다운"),
    ("...,,,--- 1.5.2 3,4 5-6 7.", "1.5.2 , 3,4 . 5 - 6 7 ..."),
    ("İstanbul'da ELEKTRİK kesintisi; K = 5 kΩ", "istanbul'da elektrik KESINTISI k = 5"),
    ("snake_case foo__bar baz-qux", "snake case foo bar baz qux"),
    ("x" * 400 + " " + "y z " * 60, "x" * 380 + " " + "z y " * 70),
    (
        "Root cause: the link between core-1 and agg-4 flapped because of a dirty connector. " * 12,
        "The link flapped between agg-4 and core-1; the connector was dirty. Clean it. " * 9,
    ),
]

WORDS = "link down router port flap power loss fan cpu memory disk replace restart check cable fibre cell site the a of and".split()


def random_pairs(seed, count):
    rng = random.Random(seed)
    pairs = []
    for _ in range(count):
        reference = [rng.choice(WORDS) for _ in range(rng.randint(0, 40))]
        output = [w if rng.random() < 0.7 else rng.choice(WORDS) for w in reference if rng.random() < 0.9]
        marks = lambda ws: " ".join(w + rng.choice(["", "", "", ",", ".", "!", "-7", " 3.5"]) for w in ws)
        pairs.append((marks(reference), marks(output)))
    return pairs


UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"


class UnicodeTokenizer(Tokenizer):
    """Words of any script; signs of scripts without spaces between words one by one."""

    def tokenize(self, text):
        words = regex.findall(r"[\p{L}\p{M}\p{N}]+", unicodedata.normalize("NFC", text).lower())
        return [t for w in words for t in regex.findall(rf"[{UNSPACED}]\p{{M}}*|[^{UNSPACED}]+", w)]


def text_scores(pairs):
    references = [r for r, _ in pairs]
    outputs = [o for _, o in pairs]
    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=False)
    rouge = [scorer.score(r, o) for r, o in pairs]
    kinds = ["rouge1", "rouge2", "rougeL"]
    unicode = [RougeScorer(kinds, tokenizer=UnicodeTokenizer()).score(r, o) for r, o in pairs]
    return {
        **{f"{k}Unicode": float(np.mean([s[k].fmeasure for s in unicode])) for k in kinds},
        "bleuCharacters": BLEU(tokenize="char").corpus_score(outputs, [references]).score,
        "rouge1": float(np.mean([s["rouge1"].fmeasure for s in rouge])),
        "rouge2": float(np.mean([s["rouge2"].fmeasure for s in rouge])),
        "rougeL": float(np.mean([s["rougeL"].fmeasure for s in rouge])),
        "chrf": CHRF().corpus_score(outputs, [references]).score,
        "bleu": BLEU().corpus_score(outputs, [references]).score,
    }


def text_fixture():
    tokenizer = Tokenizer13a()
    sets = {f"pair {i}": [pair] for i, pair in enumerate(PAIRS)}
    sets["all pairs"] = PAIRS
    for seed in range(4):
        sets[f"random {seed}"] = random_pairs(seed, 25)
    return {
        "versions": VERSIONS,
        "tokens": [
            {"text": t, "rouge": rouge_tokenize(t, None), "unicode": UnicodeTokenizer().tokenize(t), "bleu": tokenizer(t.rstrip()).split()}
            for t in sorted({t for pair in PAIRS for t in pair})
        ],
        "sets": [{"name": n, "pairs": p, "scores": text_scores(p)} for n, p in sets.items()],
    }


def rca_fixture():
    sets = []
    for seed, (n, labels, right) in enumerate([(1, 2, 1.0), (2, 2, 0.5), (10, 3, 0.5), (60, 8, 0.7), (200, 12, 0.85), (50, 5, 0.0)]):
        rng = random.Random(seed)
        causes = [f"cause {chr(65 + i)}" for i in range(labels)]
        truth = [rng.choice(causes) for _ in range(n)]
        # "other" is answered now and then but never true; macro-F1 must count it.
        predicted = [t if rng.random() < right else rng.choice(causes + ["other"]) for t in truth]
        scores = [[rng.gauss(0, 3) for _ in causes] for _ in truth]
        logits = np.array(scores)
        shares = np.exp(logits - logits.max(1, keepdims=True))
        shares /= shares.sum(1, keepdims=True)
        sets.append(
            {
                "causes": causes,
                "truth": truth,
                "predicted": predicted,
                "scores": scores,
                "accuracy": accuracy_score(truth, predicted),
                "macroF1": f1_score(truth, predicted, average="macro", zero_division=0),
                "causeNll": log_loss(truth, shares, labels=causes),
            }
        )
    return {"versions": VERSIONS, "sets": sets}


TOPICS = {
    "power": "battery rectifier voltage mains outage generator fuse breaker".split(),
    "fibre": "fibre splice connector attenuation cut optical loss patch".split(),
    "radio": "antenna fading microwave modulation rain interference tilt cell".split(),
    "software": "upgrade crash process memory leak restart patch version".split(),
}
COMMON = "site alarm the on at node since 10:42 rack_7 Éclair ÜBER 漢字 x ok 2nd reported customer loss patch cell".split()


def tickets(rng, topics, count):
    texts, targets = [], []
    for _ in range(count):
        topic = rng.choice(topics)
        words = [rng.choice(TOPICS[topic]) if rng.random() < 0.35 else rng.choice(COMMON) for _ in range(rng.randint(4, 14))]
        if rng.random() < 0.1:
            topic = rng.choice(topics)  # label noise, so that the probabilities are not all near 1
        texts.append(" ".join(words))
        targets.append(topic)
    return texts, targets


def baseline_fixture():
    cases = []
    for seed, (topics, ngrams, min_df, c) in enumerate(
        [(list(TOPICS), 1, 1, 1.0), (list(TOPICS), 2, 2, 10.0), (["power", "fibre"], 2, 1, 3.0)]
    ):
        rng = random.Random(seed)
        train, targets = tickets(rng, topics, 90)
        test, _ = tickets(rng, topics, 40)
        test += ["", "zzz unknown words only", "THE SITE"]
        vectorizer = TfidfVectorizer(ngram_range=(1, ngrams), min_df=min_df)
        matrix = vectorizer.fit_transform(train)
        model = LogisticRegression(C=c, max_iter=10000, tol=1e-8).fit(matrix, targets)
        features = vectorizer.transform(test)
        similarity = (features @ matrix.T).toarray()
        cases.append(
            {
                "ngrams": ngrams,
                "minDf": min_df,
                "c": c,
                "train": train,
                "targets": targets,
                "test": test,
                "vocabulary": len(vectorizer.vocabulary_),
                "classes": list(model.classes_),
                "predicted": list(model.predict(features)),
                "probabilities": model.predict_proba(features).tolist(),
                "nearest": similarity.max(1).tolist(),
                "norms": [float(math.sqrt(x)) for x in np.asarray(features.multiply(features).sum(1)).ravel()],
            }
        )
    return {"versions": VERSIONS, "cases": cases}


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    for name, fixture in [("text", text_fixture()), ("rca", rca_fixture()), ("baseline", baseline_fixture())]:
        (OUT / f"{name}.json").write_text(json.dumps(fixture, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
