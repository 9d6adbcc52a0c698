"""The only package that imports Keras and TensorFlow; its modules run in worker processes, never in the app."""
