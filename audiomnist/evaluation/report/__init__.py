"""All that is known of a finished run, as a page and as a model card."""

from audiomnist.evaluation.report.facts import Facts, gather
from audiomnist.evaluation.report.writing import Report, require_writable, write_report

__all__ = ["Facts", "Report", "gather", "require_writable", "write_report"]
