"""Uploads end where no form takes more: what is larger is not written to the disk to be refused afterwards."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadhandler import FileUploadHandler, StopUpload

from papers.references.common import MAX_BYTES

# As far as this the rest is read and thrown away, so that the reader gets an answer and no broken connection.
_DRAINED = 200_000_000


class BoundedUploadHandler(FileUploadHandler):
    """Before Django's own handlers: counts, and stops. `request.is_upload_too_large` tells the form."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.received = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self.received += len(raw_data)
        if self.received > MAX_BYTES:
            self.request.is_upload_too_large = True  # type: ignore[union-attr]  # set before the first chunk
            raise StopUpload(connection_reset=int(self.request.META.get("CONTENT_LENGTH") or 0) > _DRAINED)  # type: ignore[union-attr]
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """The next handler has the file."""
        return
