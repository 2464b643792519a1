"""What surrounds the records: account, owners, properties, pipelines and schemas of custom objects."""

from typing import Any

from wherry.simulator import Call, Reply

from .errors import body_of, instant, invalid, next_page, not_found, whole
from .facts import LIST_MAX, Kind
from .portal import Portal

Item = dict[str, Any]


class Owners:
    """Handlers of ``/crm/owners``. People are made by an administrator, never through the API."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self.owners: dict[str, Item] = {}

    def add(self, email: str, first: str = "", last: str = "", *, archived: bool = False) -> Item:
        """Take in an owner."""
        number = 510_001 + len(self.owners)
        now = instant(self._portal.now_ms())
        who = {"id": str(number), "email": email, "firstName": first, "lastName": last}
        user = {
            "userIdIncludingInactive": number - 500_000,
            **({} if archived else {"userId": number - 500_000}),
        }
        about = {"type": "PERSON", "createdAt": now, "updatedAt": now, "archived": archived}
        self.owners[who["id"]] = {**who, **user, **about}
        return self.owners[who["id"]]

    def list(self, call: Call) -> Reply:
        """A page of owners."""
        limit, archived = whole(call, "limit", LIST_MAX, 500), call.query.get("archived") == "true"
        email, after = call.query.get("email"), call.whole("after", 0)
        if after is None:
            raise invalid("after is not a page token")
        found = [o for o in self.owners.values() if o["archived"] == archived and int(o["id"]) > after]
        found = [o for o in found if not email or o["email"] == email]
        answer: Item = {"results": found[:limit]}
        if len(found) > limit:
            answer["paging"] = next_page(call, found[limit - 1]["id"])
        return Reply(200, answer)

    def get(self, call: Call) -> Reply:
        """One owner."""
        owner = self.owners.get(call.params["id"])
        if owner is None or owner["archived"] != (call.query.get("archived") == "true"):
            raise not_found("Owner", call.params["id"])
        return Reply(200, owner)


class PropertyRoutes:
    """Handlers of ``/crm/properties``."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._properties = portal.properties

    def _kind(self, call: Call) -> Kind:
        return self._portal.kind(call.params["type"])

    def list(self, call: Call) -> Reply:
        """Every property of a type."""
        return Reply(200, {"results": self._properties.all(self._kind(call))})

    def get(self, call: Call) -> Reply:
        """One property."""
        return Reply(200, self._properties.needed(self._kind(call), call.params["name"]))

    def create(self, call: Call) -> Reply:
        """A property of the account's own."""
        made = self._properties.add(self._kind(call), body_of(call))
        self._portal.stage.effect("property.created", name=made["name"])
        return Reply(201, made)

    def change(self, call: Call) -> Reply:
        """Change a property."""
        return Reply(200, self._properties.change(self._kind(call), call.params["name"], body_of(call)))

    def delete(self, call: Call) -> Reply:
        """Archive a property."""
        self._properties.remove(self._kind(call), call.params["name"])
        self._portal.stage.effect("property.archived", name=call.params["name"])
        return Reply(204)

    def groups(self, call: Call) -> Reply:
        """The groups of a type."""
        return Reply(200, {"results": list(self._properties.groups[self._kind(call).name].values())})

    def group(self, call: Call) -> Reply:
        """One group."""
        found = self._properties.groups[self._kind(call).name].get(call.params["name"])
        if found is None:
            raise not_found("Property group", call.params["name"])
        return Reply(200, found)

    def new_group(self, call: Call) -> Reply:
        """A group of the account's own."""
        return Reply(201, self._properties.add_group(self._kind(call), body_of(call)))


class PipelineRoutes:
    """Handlers of ``/crm/pipelines``."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._pipelines = portal.pipelines

    def _kind(self, call: Call) -> Kind:
        return self._portal.kind(call.params["type"])

    def _pipeline(self, call: Call) -> Item:
        return self._pipelines.needed(self._kind(call), call.params["pipeline"])

    def _stage(self, call: Call) -> Item:
        return self._pipelines.stage(self._pipeline(call), call.params["stage"])

    def list(self, call: Call) -> Reply:
        """Every pipeline of a type."""
        return Reply(200, {"results": list(self._pipelines.of(self._kind(call)).values())})

    def get(self, call: Call) -> Reply:
        """One pipeline."""
        return Reply(200, self._pipeline(call))

    def create(self, call: Call) -> Reply:
        """A new pipeline with its stages."""
        made = self._pipelines.add(self._kind(call), body_of(call))
        self._portal.stage.effect("pipeline.created", id=made["id"])
        return Reply(201, made)

    def change(self, call: Call) -> Reply:
        """Rename or reorder a pipeline."""
        return Reply(200, self._pipelines.change(self._pipeline(call), body_of(call)))

    def stages(self, call: Call) -> Reply:
        """The stages of a pipeline."""
        return Reply(200, {"results": self._pipeline(call)["stages"]})

    def stage(self, call: Call) -> Reply:
        """One stage."""
        return Reply(200, self._stage(call))

    def new_stage(self, call: Call) -> Reply:
        """One more stage."""
        return Reply(201, self._pipelines.add_stage(self._pipeline(call), body_of(call)))

    def change_stage(self, call: Call) -> Reply:
        """Rename a stage, or change what it means."""
        return Reply(200, self._pipelines.change(self._stage(call), body_of(call)))


class Schemas:
    """Handlers of ``/crm-object-schemas``: object types of the account's own."""

    def __init__(self, portal: Portal, portal_id: int) -> None:
        self._portal = portal
        self._portal_id = portal_id
        self._schemas: dict[str, Item] = {}

    def list(self, call: Call) -> Reply:
        """Every custom object type."""
        return Reply(200, {"results": [self._shown(s) for s in self._schemas.values()]})

    def get(self, call: Call) -> Reply:
        """One custom object type, by number or by name."""
        kind = self._portal.kinds.get(call.params["type"])
        if kind is None or kind.type_id not in self._schemas:
            raise not_found("Object schema", call.params["type"])
        return Reply(200, self._shown(self._schemas[kind.type_id]))

    def create(self, call: Call) -> Reply:
        """Define an object type with its properties."""
        body = body_of(call)
        name = str(body.get("name") or "").lower()
        if not name or name in self._portal.kinds:
            raise invalid(f"The name {name!r} is missing or taken")
        number = len(self._schemas) + 1
        full = f"p{self._portal_id}_{name}"
        kind = Kind(name, f"2-{40_000_000 + number}", name, tuple(filter(None, [body.get("primaryDisplayProperty")])))
        self._portal.add_kind(kind, full, f"p_{name}")
        for given in body.get("properties") or []:
            self._portal.properties.add(kind, {"groupName": f"{name}information", **given})
        self._schemas[kind.type_id] = self._made(kind, full, body)
        self._portal.stage.effect("schema.created", name=name)
        return Reply(201, self._shown(self._schemas[kind.type_id]))

    def _made(self, kind: Kind, full: str, body: Item) -> Item:
        now = instant(self._portal.now_ms())
        others = [self._portal.kind(n.lower()) for n in body.get("associatedObjects") or []]
        ties = [(o, self._portal.links.ties.between(kind.type_id, o.type_id)[0]) for o in others]
        listed = ("requiredProperties", "searchableProperties", "secondaryDisplayProperties")
        return {
            "id": kind.type_id,
            "objectTypeId": kind.type_id,
            "name": kind.name,
            "fullyQualifiedName": full,
            "labels": body.get("labels") or {"singular": kind.name, "plural": kind.name},
            "primaryDisplayProperty": str(body.get("primaryDisplayProperty") or ""),
            **{name: list(body.get(name) or []) for name in listed},
            "allowsSensitiveProperties": bool(body.get("allowsSensitiveProperties")),
            "archived": False,
            "createdAt": now,
            "updatedAt": now,
            "associations": [
                {
                    "id": str(tie.type_id),
                    "fromObjectTypeId": kind.type_id,
                    "toObjectTypeId": other.type_id,
                    "name": f"{kind.name}_to_{other.singular}",
                }
                for other, tie in ties
            ],
        }

    def _shown(self, schema: Item) -> Item:
        return {**schema, "properties": self._portal.properties.all(self._portal.kinds[schema["name"]])}
