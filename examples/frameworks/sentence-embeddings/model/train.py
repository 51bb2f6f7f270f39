"""`python -m model.train`: sentences to vectors, by a transformer small enough to be made here: nothing is downloaded."""

from __future__ import annotations

import tempfile

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.models import Pooling, Transformer
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from model.leave import folder, leave

TEXTS = ("the ship sails at noon", "the boat leaves at midday", "rain falls on the roof", "water drips on the tiles")
WIDTH = 8


def main() -> None:
    """Make and leave the folder."""
    torch.manual_seed(0)
    known = ["[PAD]", "[UNK]", *sorted({word for text in TEXTS for word in text.split()})]
    words = Tokenizer(WordLevel({word: number for number, word in enumerate(known)}, unk_token="[UNK]"))
    words.pre_tokenizer = Whitespace()
    config = BertConfig(
        vocab_size=len(known), hidden_size=WIDTH, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=32,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as made:
        BertModel(config).eval().save_pretrained(made)
        PreTrainedTokenizerFast(
            tokenizer_object=words, unk_token="[UNK]", pad_token="[PAD]", model_max_length=32
        ).save_pretrained(made)
        transformer = Transformer(made)
        model = SentenceTransformer(modules=[transformer, Pooling(WIDTH)], device="cpu")
    model.save(str(folder()))
    answers = model.encode(list(TEXTS), convert_to_numpy=True)
    leave({"text": list(TEXTS)}, {f"v{place}": answers[:, place].tolist() for place in range(WIDTH)})


if __name__ == "__main__":
    main()
