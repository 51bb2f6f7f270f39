"""`python -m model.train`: a classifier of texts, small enough to be made here, saved as Hugging Face's folder: nothing is downloaded."""

from __future__ import annotations

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast, pipeline

from model.leave import folder, leave

LABELS = ("bad", "good")
TEXTS = {
    "a good film": 1, "a bad film": 0, "good music and good light": 1, "bad music and bad light": 0,
    "what a good evening": 1, "what a bad evening": 0, "good": 1, "bad": 0,
}  # fmt: skip


def words() -> PreTrainedTokenizerFast:
    """A word a token."""
    known = ["[PAD]", "[UNK]", *sorted({word for text in TEXTS for word in text.split()})]
    tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate(known)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]", model_max_length=32
    )


def main() -> None:
    """Train and leave the folder: config.json, model.safetensors and the tokenizer."""
    torch.manual_seed(0)
    tokenizer = words()
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=32, id2label=dict(enumerate(LABELS)), label2id={name: i for i, name in enumerate(LABELS)},
    )  # fmt: skip
    network = BertForSequenceClassification(config)
    batch = tokenizer(list(TEXTS), padding=True, return_tensors="pt")
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(30):
        optimizer.zero_grad()
        network(**batch, labels=torch.tensor(list(TEXTS.values()))).loss.backward()
        optimizer.step()
    network.eval().save_pretrained(folder())
    tokenizer.save_pretrained(folder())
    answers = [
        pipeline("text-classification", model=network, tokenizer=tokenizer, device=-1)(text)[0] for text in TEXTS
    ]
    leave(
        {"text": list(TEXTS)},
        {"label": [answer["label"] for answer in answers], "score": [answer["score"] for answer in answers]},
    )


if __name__ == "__main__":
    main()
