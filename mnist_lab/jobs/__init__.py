"""Processes and threads: the trainings of this machine, and the process that answers about trained networks."""

from mnist_lab.jobs.inference import InferenceClient
from mnist_lab.jobs.manager import JobManager, job_manager

__all__ = ["InferenceClient", "JobManager", "job_manager"]
