"""Processes and threads: the trainings of this machine, and the process that answers about trained networks."""

from mnist_lab.jobs.alone import new_owner, release_lost, run_all, run_one
from mnist_lab.jobs.crew import Crew
from mnist_lab.jobs.device import device_words
from mnist_lab.jobs.executors import default_size, make_crew
from mnist_lab.jobs.inference import InferenceClient
from mnist_lab.jobs.lost import end_lost
from mnist_lab.jobs.manager import JobManager, job_manager
from mnist_lab.jobs.queueing import base_of, fine_tune, start_plan, submit

__all__ = [
    "Crew",
    "InferenceClient",
    "JobManager",
    "base_of",
    "default_size",
    "device_words",
    "end_lost",
    "fine_tune",
    "job_manager",
    "make_crew",
    "new_owner",
    "release_lost",
    "run_all",
    "run_one",
    "start_plan",
    "submit",
]
