"""The model directory and embedding extraction."""

from wespk.inference.batching import plan_batches
from wespk.inference.model_dir import SpeakerModel, load_model, save_model

__all__ = ["SpeakerModel", "load_model", "plan_batches", "save_model"]
