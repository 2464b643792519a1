"""Files: upload, read, signed links that expire (the files guide)."""

import hashlib
import hmac
import json
import mimetypes
import secrets
from dataclasses import dataclass
from typing import Any

from wherry.simulator import Call, Reply, Stage, Upload

from .errors import instant, invalid, names, next_page, not_found, refused, whole

SIGNED = "/signed-files"
PUBLIC = "/hubfs"
LINK_LIFE = 3_600
SEARCH_PAGE = 100
KINDS = {"image": "IMG", "audio": "AUDIO", "video": "MOVIE"}
DOCUMENTS = {"pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "csv", "txt", "rtf", "odt", "ods", "md"}


@dataclass(slots=True)
class Stored:
    """One file."""

    id: str
    name: str
    extension: str
    data: bytes
    access: str
    folder: str
    created: int
    archived: bool = False

    @property
    def filename(self) -> str:
        """Name and extension."""
        return f"{self.name}.{self.extension}" if self.extension else self.name

    @property
    def media_type(self) -> str:
        """The media type its name tells."""
        return mimetypes.guess_type(self.filename)[0] or "application/octet-stream"

    @property
    def kind(self) -> str:
        """HubSpot's word for the sort of file."""
        if self.extension.lower() in DOCUMENTS:
            return "DOCUMENT"
        return KINDS.get(self.media_type.partition("/")[0], "OTHER")


class Files:
    """Handlers of ``/files``, and of the links they give out."""

    def __init__(self, stage: Stage, portal_id: int) -> None:
        self.stage = stage
        self.portal_id = portal_id
        self.files: dict[str, Stored] = {}
        self._secret = secrets.token_bytes(16)

    def upload(self, call: Call) -> Reply:
        """A multipart upload: file, fileName, folderPath or folderId, options (JSON with `access`)."""
        upload = call.form.get("file")
        if not isinstance(upload, Upload):
            raise invalid("The form has no file")
        options = _options(call.text("options"))
        file = self.add(
            call.text("fileName") or upload.name,
            upload.data,
            access=str(options.get("access", "PRIVATE")),
            folder=call.text("folderPath", "/"),
        )
        return Reply(201, self._shown(file, call.base))

    def add(self, filename: str, data: bytes, *, access: str = "PRIVATE", folder: str = "/") -> Stored:
        """Store a file."""
        name, dot, extension = filename.rpartition(".")
        number = str(180_000_000_000 + len(self.files) + 1)
        parts = (name, extension) if dot else (filename, "")
        file = Stored(number, *parts, data, access, folder.rstrip("/"), self.stage.clock.now_ms())
        self.files[number] = file
        self.stage.effect("file.created", id=number, name=filename, size=len(data))
        return file

    def get(self, call: Call) -> Reply:
        """What is known of one file."""
        return Reply(200, self._shown(self._needed(call), call.base))

    def search(self, call: Call) -> Reply:
        """A page of files in order of id, or those of `ids`; hidden and deleted ones are left out."""
        limit, wanted = whole(call, "limit", SEARCH_PAGE, SEARCH_PAGE), names(call, "ids")
        after = call.whole("after", 0)
        if after is None or not all(text.isdigit() for text in wanted):
            raise invalid("ids and after must be whole numbers")
        found = [file for key, file in self.files.items() if int(key) > after and key in (wanted or self.files)]
        shown = [file for file in found if not file.archived and not file.access.startswith("HIDDEN")]
        answer: dict[str, Any] = {"results": [self._shown(file, call.base) for file in shown[:limit]]}
        if len(shown) > limit:
            answer["paging"] = next_page(call, shown[limit - 1].id)
        return Reply(200, answer)

    def delete(self, call: Call) -> Reply:
        """Delete one file."""
        self._needed(call).archived = True
        self.stage.effect("file.archived", id=call.params["id"])
        return Reply(204)

    def signed_url(self, call: Call) -> Reply:
        """A link that needs no bearer and works until it expires."""
        file = self._needed(call)
        life = call.whole("expirationSeconds", LINK_LIFE)
        if life is None:
            raise invalid("expirationSeconds must be a whole number")
        expires = self.stage.clock.now_ms() + life * 1000
        signature = self._signature(file.id, str(expires))
        url = f"{call.base}{SIGNED}/{file.id}?expires={expires}&signature={signature}"
        shown = {"name": file.name, "extension": file.extension, "size": len(file.data), "type": file.kind}
        return Reply(200, {"url": url, "expiresAt": instant(expires), **shown})

    def download(self, call: Call) -> Reply:
        """The bytes behind the bearer; in v3 only."""
        if call.params["version"] != "v3":
            raise refused(404)
        return _bytes(self._needed(call))

    def fetch_signed(self, call: Call) -> Reply:
        """The bytes behind a signed link, which refuses a bearer as storage hosts do."""
        key, expires = call.params["id"], call.query.get("expires", "")
        sound = hmac.compare_digest(call.query.get("signature", ""), self._signature(key, expires))
        if call.bearer:
            return Reply(400, "Only one way of authentication is allowed")
        if not sound or key not in self.files or self.files[key].archived:
            return Reply(403, "Invalid signature")
        if int(expires) <= self.stage.clock.now_ms():
            return Reply(403, "Expired link")
        return _bytes(self.files[key])

    def fetch_public(self, call: Call) -> Reply:
        """The bytes of a public file; a private one is not there."""
        file = self.files.get(call.params["id"])
        if file is None or file.archived or not file.access.startswith("PUBLIC"):
            return Reply(404, "Not found")
        return _bytes(file)

    def _needed(self, call: Call) -> Stored:
        file = self.files.get(call.params["id"])
        if file is None or file.archived:
            raise not_found("File", call.params["id"])
        return file

    def _signature(self, key: str, expires: str) -> str:
        return hmac.new(self._secret, f"{key} {expires}".encode(), "sha256").hexdigest()

    def _shown(self, file: Stored, base: str) -> dict[str, Any]:
        url = f"{base}{PUBLIC}/{self.portal_id}/{file.id}/{file.filename}"
        return {
            "id": file.id,
            "createdAt": instant(file.created),
            "updatedAt": instant(file.created),
            "archived": False,
            "name": file.name,
            "extension": file.extension,
            "path": f"{file.folder}/{file.filename}",
            "size": len(file.data),
            "type": file.kind,
            "access": file.access,
            "url": url,
            "defaultHostingUrl": url,
            "fileMd5": hashlib.md5(file.data, usedforsecurity=False).hexdigest(),
            "isUsableInContent": False,
        }


def _options(text: str) -> dict[str, Any]:
    try:
        options = json.loads(text or "{}")
    except ValueError:
        options = None
    if not isinstance(options, dict):
        raise invalid("options must be a JSON object")
    return options


def _bytes(file: Stored) -> Reply:
    name = "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else "_" for c in file.filename)
    return Reply(
        200,
        file.data,
        {"content-type": file.media_type, "content-disposition": f'attachment; filename="{name}"'},
    )
