"""Where Snakemake keeps what it knows about a file: the parameters and inputs that it was made from.

By default this is the project's folder .snakemake: results copied without it would be compared by time, and a changed
parameter would be missed. Here it is next to the files: in results/<name>/.snakemake and resources/<name>/.snakemake.
A file that has no such notes is made again.
"""

from contextlib import suppress
from pathlib import PurePath
from typing import Any

from snakemake.persistence import MetadataRecord, ParamsChange
from snakemake.persistence.file import FilePersistence


class WithTheFiles(FilePersistence):
    def __init__(self, **settings: Any) -> None:
        try:
            super().__init__(**settings)
        except OSError:  # a dry run also works where nothing can be written
            workflow = settings["dag"].workflow
            if not workflow.dryrun:
                raise
            super().__init__(**settings | {"path": workflow.snakemake_tmp_dir / "persistence"})

    def save_iocache(self) -> None:
        with suppress(OSError):  # of a dry run; it only makes a later start faster
            super().save_iocache()

    def _record_path(self, subject: str, id: str) -> str:
        path, parts = super()._record_path(subject, id), PurePath(id).parts
        if subject == self._metadata_path and parts[0] in ("results", "resources") and len(parts) > 2:
            return str(PurePath(*parts[:2], ".snakemake", PurePath(path).relative_to(subject)))
        return path

    def _read_record(self, key: str) -> MetadataRecord | None:
        with suppress(ValueError):  # damaged, so nothing is known
            return super()._read_record(key)
        return None

    def has_metadata(self, job: Any) -> bool:
        return True  # otherwise nothing of the job would be compared

    def params_changed(self, job: Any, file: Any = None) -> ParamsChange:
        unknown = {path for path in job.output if self.metadata(path) is None}
        return ParamsChange(only_new={"all"}, files=unknown) if unknown else super().params_changed(job, file)
