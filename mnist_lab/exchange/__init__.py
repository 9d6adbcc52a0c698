"""Runs taken away and brought in: the forms that other programs read, and the archive that this one reads back."""

from mnist_lab.exchange.bringing import Brought, bring_in
from mnist_lab.exchange.forms import FORMS, Form, Source, file_name
from mnist_lab.exchange.layout import MAX_ARCHIVE

__all__ = ["FORMS", "MAX_ARCHIVE", "Brought", "Form", "Source", "bring_in", "file_name"]
