"""Searches over networks and trainings: what is searched, how, and what came of it; who trains is `mnist_lab.jobs`."""
