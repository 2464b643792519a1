"""Associations in their v4 shape (the associations guide); the date versions kept it."""

from typing import Any

from wherry.simulator import Call, Reply, whole_number

from .errors import batch, body_of, inputs_of, invalid, item_error, next_page, whole
from .facts import LINKS_READ_MAX, LINKS_WRITE_MAX, Kind, Tie
from .links import End
from .portal import Portal

Item = dict[str, Any]

GET_MAX = 500


class Associations:
    """Handlers of ``/crm/associations`` and of the associations below a record."""

    def __init__(self, portal: Portal, page: int = GET_MAX) -> None:
        self.portal = portal
        self._page = page

    def of_one(self, call: Call) -> Reply:
        """Links of one record."""
        one, other = self._kinds(call)
        self.portal.needed(one, call.params["id"])
        limit = whole(call, "limit", self._page, GET_MAX)
        linked = self._linked(one, call.params["id"], other, call.query.get("after") or "0")
        answer: Item = {"results": [_shown(to, ties) for to, ties in linked[:limit]]}
        if len(linked) > limit:
            answer["paging"] = next_page(call, linked[limit - 1][0])
        return Reply(200, answer)

    def batch_read(self, call: Call) -> Reply:
        """Links of up to 1,000 records, a page each; ids without links come back as errors."""
        one, other = self._kinds(call)
        results: list[Item] = []
        errors: list[Item] = []
        for item in inputs_of(call, LINKS_READ_MAX):
            key = str(item.get("id", ""))
            linked = self._linked(one, key, other, str(item.get("after") or "0"))
            if linked:
                results.append(self._read(call, key, linked))
            else:
                errors.append(_none(key, one, other))
        return batch(self.portal.now_ms(), results, errors)

    def _read(self, call: Call, key: str, linked: list[tuple[str, list[Tie]]]) -> Item:
        found: Item = {"from": {"id": key}, "to": [_shown(to, ties) for to, ties in linked[: self._page]]}
        if len(linked) > self._page:
            found["paging"] = next_page(call, linked[self._page - 1][0])
        return found

    def batch_create(self, call: Call) -> Reply:
        """Link up to 2,000 pairs by the given types."""
        one, other = self._kinds(call)
        results: list[Item] = []
        errors: list[Item] = []
        for item in inputs_of(call, LINKS_WRITE_MAX):
            near, far = _ends(item)
            if missing := self._missing(one, near, other, far):
                errors.append(missing)
            else:
                results.append(self._labelled(one, near, other, far, item.get("types") or []))
        return batch(self.portal.now_ms(), results, errors, 201)

    def batch_default(self, call: Call) -> Reply:
        """Link up to 2,000 pairs by the plain type."""
        one, other = self._kinds(call)
        pairs = [_ends(item) for item in inputs_of(call, LINKS_WRITE_MAX)]
        errors = [e for near, far in pairs if (e := self._missing(one, near, other, far))]
        sound = [pair for pair in pairs if not self._missing(one, pair[0], other, pair[1])]
        results = [spec for near, far in sound for spec in self._default(one, near, other, far)]
        return batch(self.portal.now_ms(), results, errors)

    def put_default(self, call: Call) -> Reply:
        """Link one pair by the plain type."""
        one, other = self._kinds(call)
        self.portal.needed(one, call.params["id"])
        self.portal.needed(other, call.params["other"])
        return batch(self.portal.now_ms(), self._default(one, call.params["id"], other, call.params["other"]))

    def put(self, call: Call) -> Reply:
        """Link one pair by the given types."""
        one, other = self._kinds(call)
        self.portal.needed(one, call.params["id"])
        self.portal.needed(other, call.params["other"])
        specs = call.json()
        if not isinstance(specs, list):
            raise invalid("A list of association types is expected")
        return Reply(201, self._labelled(one, call.params["id"], other, call.params["other"], specs))

    def delete(self, call: Call) -> Reply:
        """Unlink one pair."""
        one, other = self._kinds(call)
        self._unlink((one.type_id, call.params["id"]), (other.type_id, call.params["other"]))
        return Reply(204)

    def batch_archive(self, call: Call) -> Reply:
        """Unlink one record each from several."""
        one, other = self._kinds(call)
        for item in inputs_of(call, LINKS_WRITE_MAX):
            for far in item.get("to") or []:
                self._unlink((one.type_id, _id(item.get("from"))), (other.type_id, _id(far)))
        return self._done(call)

    def labels(self, call: Call) -> Reply:
        """The association types between two object types."""
        one, other = self._kinds(call)
        ties = self.portal.links.ties.between(one.type_id, other.type_id)
        return Reply(200, {"results": [_spec(tie) for tie in ties]})

    def new_label(self, call: Call) -> Reply:
        """A label of the account's own."""
        one, other = self._kinds(call)
        label = str(body_of(call).get("label") or "")
        if not label:
            raise invalid("A label is needed")
        tie = self.portal.links.ties.new_label(one.type_id, other.type_id, label)
        return Reply(200, {"results": [_spec(tie), _spec(tie.mirrored)]})

    # Shared by the handlers

    def _kinds(self, call: Call) -> tuple[Kind, Kind]:
        return self.portal.kind(call.params["type"]), self.portal.kind(call.params["to_type"])

    def _linked(self, one: Kind, key: str, other: Kind, after: str) -> list[tuple[str, list[Tie]]]:
        """Links to records that are still there, after a page token."""
        start = whole_number(after)
        if start is None:
            raise invalid(f"after {after!r} is not a page token")
        shelf, record = self.portal.shelf(other), self.portal.shelf(one).live(key)
        linked = self.portal.links.of((one.type_id, record.id), other.type_id) if record else []
        return [(to, ties) for to, ties in linked if int(to) > start and shelf.live(to)]

    def _missing(self, one: Kind, near: str, other: Kind, far: str) -> Item | None:
        gone = [k for kind, k in ((one, near), (other, far)) if not self.portal.shelf(kind).live(k)]
        return item_error("OBJECT_NOT_FOUND", "No such record", {"ids": gone}) if gone else None

    def _labelled(self, one: Kind, near: str, other: Kind, far: str, specs: list[Item]) -> Item:
        ties = [self._tie(one, other, spec) for spec in specs]
        for tie in ties or self.portal.links.ties.between(one.type_id, other.type_id)[:1]:
            self._link((one.type_id, near), (other.type_id, far), tie)
        return {
            "fromObjectTypeId": one.type_id,
            "fromObjectId": near,
            "toObjectTypeId": other.type_id,
            "toObjectId": far,
            "labels": [tie.label for tie in ties if tie.label],
        }

    def _default(self, one: Kind, near: str, other: Kind, far: str) -> list[Item]:
        tie = self.portal.links.ties.between(one.type_id, other.type_id)[0]
        self._link((one.type_id, near), (other.type_id, far), tie)
        return [_made(near, far, tie), _made(far, near, tie.mirrored)]

    def _tie(self, one: Kind, other: Kind, spec: Item) -> Tie:
        type_id = int(spec.get("associationTypeId", 0))
        tie = self.portal.links.ties.find(one.type_id, other.type_id, type_id)
        if tie is None:
            raise invalid(f"No association type {type_id} between {one.name} and {other.name}")
        return tie

    def _link(self, one: End, other: End, tie: Tie) -> None:
        self.portal.links.add(one, other, tie)
        self.portal.stage.effect("association.created", one=one, other=other, type_id=tie.type_id)

    def _unlink(self, one: End, other: End) -> None:
        self.portal.links.remove(one, other)
        self.portal.stage.effect("association.archived", one=one, other=other)

    def _done(self, call: Call) -> Reply:
        """v4 answers 204; the date versions answer 200 with an empty batch."""
        return Reply(204) if call.params["version"] == "v4" else batch(self.portal.now_ms(), [])


def _id(end: Item | None) -> str:
    return str((end or {}).get("id", ""))


def _ends(item: Item) -> tuple[str, str]:
    return _id(item.get("from")), _id(item.get("to"))


def _spec(tie: Tie) -> Item:
    """An association type as answers carry it; a plain one has the label null."""
    return {"category": tie.category, "typeId": tie.type_id, "label": tie.label}


def _shown(to: str, ties: list[Tie]) -> Item:
    """The types in one order here and in the other there: HubSpot promises none."""
    ties = ties if to[-1] in "02468" else ties[::-1]
    return {"toObjectId": to, "associationTypes": [_spec(tie) for tie in ties]}


def _made(near: str, far: str, tie: Tie) -> Item:
    spec = {"associationCategory": tie.category, "associationTypeId": tie.type_id}
    return {"from": {"id": near}, "to": {"id": far}, "associationSpec": spec}


def _none(key: str, one: Kind, other: Kind) -> Item:
    message = f"No {other.name} is associated with {one.singular} {key}."
    context = {"fromObjectId": [key], "fromObjectType": [one.type_id], "toObjectType": [other.type_id]}
    return item_error("OBJECT_NOT_FOUND", message, context)
