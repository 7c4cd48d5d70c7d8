"""All that is known of a finished run, as a page and as a model card."""

from audiomnist.reports.run.facts import Facts, gather
from audiomnist.reports.run.writing import Report, require_writable, write_report

__all__ = ["Facts", "Report", "gather", "require_writable", "write_report"]
