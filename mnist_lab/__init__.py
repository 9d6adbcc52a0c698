"""MNIST Lab: a laboratory for convolutional networks on handwritten digits."""

__version__ = "0.1.0"
