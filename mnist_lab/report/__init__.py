"""Reports, each one HTML file or one Markdown text: of a study with all its models, and of runs against each other.

Of a study: `gather` reads the store once; what it returns, a `Report`, is plain data. `mnist_lab.report.document` puts
it into words and tables, and `to_html` and `to_markdown` are two ways to write these. "Better" is said of a model only
where a test says so, see `mnist_lab.report.compare`.

Of runs: `gather_runs` does the same, and `mnist_lab.report.versus` has the words and tables.
"""

from mnist_lab.report.compared import Compared, gather_runs
from mnist_lab.report.files import check, put, write
from mnist_lab.report.markdown import markdown_of, to_markdown
from mnist_lab.report.page import html_of, to_html
from mnist_lab.report.record import Model, Predictions, Report, gather

__all__ = [
    "Compared",
    "Model",
    "Predictions",
    "Report",
    "check",
    "gather",
    "gather_runs",
    "html_of",
    "markdown_of",
    "put",
    "to_html",
    "to_markdown",
    "write",
]
