"""Processes and threads: the trainings of this machine, and the process that answers about trained networks."""

from mnist_lab.jobs.inference import InferenceClient
from mnist_lab.jobs.manager import JobManager, job_manager
from mnist_lab.jobs.processes import end_lost
from mnist_lab.jobs.run_one import OWNER, run_one

__all__ = ["OWNER", "InferenceClient", "JobManager", "end_lost", "job_manager", "run_one"]
