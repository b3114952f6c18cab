"""The sections of the report page; a module a theme. Each function returns those that it has data for."""

from wespk.metrics.sections.embeddings import embedding_sections
from wespk.metrics.sections.identification import identification_sections
from wespk.metrics.sections.run import Rejected, run_sections
from wespk.metrics.sections.training import training_sections
from wespk.metrics.sections.verification import verification_sections

__all__ = [
    "Rejected",
    "embedding_sections",
    "identification_sections",
    "run_sections",
    "training_sections",
    "verification_sections",
]
