"""Where Snakemake keeps what it knows of a file: the parameters and the content of the inputs that it was made from.

That is the project's folder .snakemake by default: results copied without it would be compared by time, and a changed
parameter would be missed. Here it lies with the files: in results/<name>/.snakemake, in resources/<name>/.snakemake.
"""

from pathlib import PurePath

from snakemake.persistence.file import FilePersistence


class WithTheFiles(FilePersistence):
    def _record_path(self, subject: str, id: str) -> str:
        path, parts = super()._record_path(subject, id), PurePath(id).parts
        if subject == self._metadata_path and parts[0] in ("results", "resources") and len(parts) > 2:
            return str(PurePath(*parts[:2], ".snakemake", PurePath(path).relative_to(subject)))
        return path
