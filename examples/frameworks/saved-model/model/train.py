"""`python -m model.train`: a small network of TensorFlow's, saved as a SavedModel: what its own runtime loads without its code."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from model.leave import folder, leave


class Network(tf.Module):
    """Shares of two classes for rows of four numbers."""

    def __init__(self) -> None:
        super().__init__()
        drawn = np.random.default_rng(1)
        self.hidden = tf.Variable(drawn.normal(size=(4, 8)), dtype=tf.float32)
        self.last = tf.Variable(drawn.normal(size=(8, 2)), dtype=tf.float32)

    @tf.function(input_signature=[tf.TensorSpec((None, 4), tf.float32, name="rows")])
    def __call__(self, rows: tf.Tensor) -> dict[str, tf.Tensor]:
        """Shape (rows, 4) to (rows, 2)."""
        return {"shares": tf.nn.softmax(tf.nn.relu(rows @ self.hidden) @ self.last)}


def main() -> None:
    """Train and leave the folder."""
    rows = np.random.default_rng(0).normal(size=(64, 4)).astype(np.float32)
    network, labels = Network(), (rows.sum(axis=1) > 0).astype(np.int32)
    optimizer = tf.keras.optimizers.Adam(0.05)
    for _ in range(20):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.keras.losses.sparse_categorical_crossentropy(labels, network(rows)["shares"]))
        weights = [network.hidden, network.last]
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
    tf.saved_model.save(network, str(folder()), signatures={"serving_default": network.__call__})
    answers = network(rows)["shares"].numpy()
    columns = {name: rows[:, place].tolist() for place, name in enumerate("abcd")}
    leave(columns, {"below": answers[:, 0].tolist(), "above": answers[:, 1].tolist()})


if __name__ == "__main__":
    main()
