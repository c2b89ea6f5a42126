"""parameters and complexity tables, from the configuration alone: no data, no records, no torch."""

import argparse
import sys

from workflow.commands import tables
from workflow.reporting import grid, reported
from workflow.reporting import layout as layouts
from workflow.reporting.files import ReportingError
from workflow.reporting.records import frame
from workflow.reporting.results import Results

MODULE = "workflow.reporting.counts"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog=f"python -m {MODULE}", description=__doc__)
    parser.add_argument("--config", required=True, metavar="FILE", help="configuration")
    parser.add_argument("--output", required=True, metavar="DIR", help="folder for the tables")
    parser.add_argument("--layout", metavar="FILE", help="columns, rows, order, precision (paper/layout.yaml)")
    parser.add_argument("--tables", nargs="+", choices=tables.COUNTED, default=list(tables.COUNTED), metavar="NAME")
    options = parser.parse_args(arguments)
    try:
        results = Results(
            root=None,
            records=frame([]),
            layout=layouts.load(options.layout),
            config=grid.configuration_of(".", options.config),
            reported=reported.load(),
        )
        tables.write(results, options.output, options.tables)
    except ReportingError as error:
        sys.exit(f"counts: {error}")
    print(f"counts: {', '.join(options.tables)} of {options.config} -> {options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
