"""The report of a study: one HTML file or one Markdown text, with all that is known of its models.

`gather` reads the store once; what it returns, a `Report`, is plain data. `mnist_lab.report.document` puts it into
words and tables, and `to_html` and `to_markdown` are two ways to write these. "Better" is said of a model only where a
test says so, see `mnist_lab.report.compare`.
"""

from mnist_lab.report.files import check, write
from mnist_lab.report.markdown import to_markdown
from mnist_lab.report.page import to_html
from mnist_lab.report.record import Model, Predictions, Report, gather

__all__ = ["Model", "Predictions", "Report", "check", "gather", "to_html", "to_markdown", "write"]
