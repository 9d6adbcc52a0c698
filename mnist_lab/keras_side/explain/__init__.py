"""What goes on inside a trained network for one image: where its answer comes from, layer by layer and pixel by pixel.

Everything works on logits, the ten numbers before the softmax: a probability near 1 hardly moves whatever one does to
the image, its logit does.
"""
