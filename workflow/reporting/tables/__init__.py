"""The tables, one per file. A new file that defines TABLE appears in the tables, the report and the article."""

from workflow.reporting.registry import registered
from workflow.reporting.table import Table

TABLES: dict[str, Table] = registered(__name__, __path__, "TABLE")
