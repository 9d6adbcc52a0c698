"""The only package that imports Keras and TensorFlow; its modules run in worker processes, never in the app."""

import os

# TensorFlow uses oneDNN's kernels by itself only on processors with instructions for neural networks (AVX-512 VNNI and
# later). On those with AVX2 alone, too, they train faster (benchmarks/LOG.md). Read when TensorFlow is
# imported.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
