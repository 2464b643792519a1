"""One HubSpot account in memory, and the rules every write obeys."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from wherry.simulator import Stage

from .errors import instant, invalid, not_found, refused
from .facts import ID, KINDS, MERGED, STAGED, Kind, Tie
from .links import Links, Ties
from .schema import Pipelines, Properties
from .store import Record, Shelf
from .values import stored, to_ms


class Portal:
    """Shelves of records, their links, properties and pipelines."""

    def __init__(self, stage: Stage, *, first_id: int = 9_000_000_000, index_lag: float = 0.0) -> None:
        self.stage = stage
        self.index_lag = index_lag
        self.kinds: dict[str, Kind] = {}
        self.shelves: dict[str, Shelf] = {}
        self.properties = Properties(self.now_ms)
        self.pipelines = Pipelines(self.now_ms)
        self.links = Links(Ties())
        self._first_id = first_id
        for kind in KINDS:
            self.add_kind(kind)

    def now_ms(self) -> int:
        """Now, in milliseconds."""
        return self.stage.clock.now_ms()

    def shown_at(self) -> int:
        """When search shows what is written now; 0 for at once."""
        return self.now_ms() + round(self.index_lag * 1000) if self.index_lag else 0

    def add_kind(self, kind: Kind, *aliases: str) -> None:
        """Take in an object type; ids are unique per type only, as in HubSpot."""
        self.shelves[kind.name] = Shelf(kind, self._first_id)
        self.properties.add_kind(kind)
        self.kinds.update(dict.fromkeys((kind.name, kind.type_id, kind.singular, *aliases), kind))

    def kind(self, key: str) -> Kind:
        """An object type by name or number, or a 400."""
        kind = self.kinds.get(key) or self.kinds.get(key.lower())
        if kind is None:
            raise invalid(f"Unable to infer object type from: {key}")
        return kind

    def shelf(self, kind: Kind) -> Shelf:
        """The records of a type."""
        return self.shelves[kind.name]

    # Reading

    def record(self, kind: Kind, key: str, id_property: str = "", *, archived: bool = False) -> Record | None:
        """A record by id or by a unique property."""
        if id_property:
            self._must_be_unique(kind, id_property)
        found = self.shelf(kind).by_value(id_property or ID, key)
        return found if found is not None and (found.archived_at is not None) == archived else None

    def needed(self, kind: Kind, key: str, id_property: str = "", *, archived: bool = False) -> Record:
        """A record, or a 404."""
        found = self.record(kind, key, id_property, archived=archived)
        if found is None:
            raise not_found(kind.singular, key)
        return found

    def shown(self, record: Record, asked: Sequence[str]) -> dict[str, str | None]:
        """The properties asked for, else the defaults; names nobody knows are left out."""
        kind, held = record.kind, record.properties
        wanted = dict.fromkeys((*(asked or kind.defaults), *kind.standing))
        return {n: held.get(n) for n in wanted if n in held or self.properties.knows(kind, n)}

    # Writing

    def create(self, kind: Kind, given: Mapping[str, Any], links: Sequence[tuple[str, str, Tie]] = ()) -> Record:
        """Make a record with its first links: (type number, id, association type)."""
        properties = self.checked(kind, given, {})
        shelf, now = self.shelf(kind), self.now_ms()
        created = to_ms(properties.get(kind.created)) or now
        record = Record(shelf.new_id(), kind, created, now, self.shown_at(), properties)
        self._stamp(record)
        shelf.put(record)
        self._claim(record)
        for type_id, other, tie in links:
            self.links.add((kind.type_id, record.id), (type_id, other), tie)
        self.stage.effect(f"{kind.singular}.created", id=record.id, properties=dict(given))
        return record

    def change(self, record: Record, given: Mapping[str, Any]) -> None:
        """Write properties of a record; its stamp moves."""
        properties = self.checked(record.kind, given, record.properties, record.id)
        self._free(record)
        record.properties.update(properties)
        self._claim(record)
        self.touch(record, self.now_ms())
        self.stage.effect(f"{record.kind.singular}.changed", id=record.id, properties=dict(given))

    def touch(self, record: Record, modified: int) -> None:
        """Give a record a modified stamp; search lags behind the true moment, whatever the stamp says."""
        shelf = self.shelf(record.kind)
        if record.archived_at is None:
            shelf.unindex(record)
        record.modified, record.indexed = modified, self.shown_at()
        self._stamp(record)
        if record.archived_at is None:
            shelf.index(record)

    def archive(self, record: Record) -> None:
        """Archive a record. Its modified stamp stays: only the list of archived records tells."""
        if record.archived_at is None:
            self.shelf(record.kind).unindex(record)
            self._free(record)
            record.archived_at = self.now_ms()
            self.stage.effect(f"{record.kind.singular}.archived", id=record.id)

    def restore(self, record: Record) -> None:
        """Bring an archived record back, as a person can in the recycling bin; it counts as a change."""
        record.archived_at = None
        self.shelf(record.kind).index(record)
        self._claim(record)
        self.touch(record, self.now_ms())
        self.stage.effect(f"{record.kind.singular}.restored", id=record.id)

    def merge(self, survivor: Record, loser: Record) -> None:
        """The survivor keeps its values, takes what it lacks and the links, and answers for the loser."""
        if survivor is loser:
            raise invalid("A record cannot be merged with itself")
        shelf = self.shelf(survivor.kind)
        shelf.unindex(loser)
        self._free(loser)
        shelf.merged[loser.id] = survivor.id
        gone = [survivor.properties.get(MERGED), loser.properties.get(MERGED), loser.id]
        survivor.properties[MERGED] = ";".join(part for part in gone if part)
        lacking = {n: v for n, v in loser.properties.items() if v and not survivor.properties.get(n)}
        survivor.properties.update(lacking)
        self.links.move((loser.kind.type_id, loser.id), (survivor.kind.type_id, survivor.id))
        self._claim(survivor)
        self.touch(survivor, self.now_ms())
        self.stage.effect(f"{survivor.kind.singular}.merged", id=survivor.id, loser=loser.id)

    # The rules

    def _stamp(self, record: Record) -> None:
        record.properties[ID] = record.id
        record.properties[record.kind.created] = instant(record.created)
        record.properties[record.kind.modified] = instant(record.modified)

    def checked(
        self, kind: Kind, given: Mapping[str, Any], held: Mapping[str, str | None], own: str = ""
    ) -> dict[str, str | None]:
        """What a write stores, or a 400 or 409 that names the property."""
        written: dict[str, str | None] = {}
        for name, value in given.items():
            definition = self.properties.find(kind, name)
            if definition is None and not name.startswith("hs_"):
                raise invalid(f'Property "{name}" does not exist', "PROPERTY_DOESNT_EXIST", propertyName=[name])
            written[name] = stored(name, value, definition["type"] if definition else "string")
        for name in (ID, kind.modified, MERGED):
            written.pop(name, None)
        self._must_be_free(kind, written, own)
        derived = self._staged(kind, {**held, **written})
        whole = {**self._from_product(kind, written), **written, **derived}
        return {**whole, **self._total(kind, {**held, **whole})}

    def _staged(self, kind: Kind, record: Mapping[str, str | None]) -> dict[str, str | None]:
        """The pipeline a record falls into, and what its stage says about it."""
        if kind.name not in STAGED:
            return {}
        in_pipeline, in_stage = STAGED[kind.name]
        pipeline = record.get(in_pipeline) or self.pipelines.default(kind)
        stage = record.get(in_stage)
        metadata = self.pipelines.metadata(kind, pipeline, stage) if stage else {}
        if kind.name != "deals" or not stage:
            return {in_pipeline: pipeline}
        won = metadata.get("isClosed") == "true" and float(metadata["probability"]) == 1.0
        return {
            in_pipeline: pipeline,
            "hs_is_closed": metadata.get("isClosed", "false"),
            "hs_is_closed_won": "true" if won else "false",
            "hs_deal_stage_probability": metadata.get("probability", "0.0"),
        }

    def _from_product(self, kind: Kind, written: Mapping[str, str | None]) -> dict[str, str | None]:
        """A line item made from a product starts as its copy, and stays one."""
        product_id = written.get("hs_product_id")
        if kind.name != "line_items" or not product_id:
            return {}
        product = self.shelves["products"].live(product_id)
        if product is None:
            return {}
        copied = ("name", "price", "hs_sku", "description")
        return {n: product.properties[n] for n in copied if product.properties.get(n)}

    def _total(self, kind: Kind, record: Mapping[str, str | None]) -> dict[str, str | None]:
        """The net amount of a line item, which HubSpot works out itself."""
        quantity, price = record.get("quantity"), record.get("price")
        if kind.name != "line_items" or not quantity or not price:
            return {}
        off = Decimal(record.get("discount") or 0)
        share = 1 - Decimal(record.get("hs_discount_percentage") or 0) / 100
        return {"amount": str(Decimal(quantity) * (Decimal(price) * share - off))}

    def _must_be_unique(self, kind: Kind, name: str) -> None:
        if name != ID and not self.properties.is_unique(kind, name):
            raise invalid(f"Property {name} is not a unique property of {kind.name}", propertyName=[name])

    def _must_be_free(self, kind: Kind, written: Mapping[str, str | None], own: str) -> None:
        for name, value in written.items():
            holder = self.shelf(kind).unique.get((name, (value or "").lower()))
            if value and holder and holder != own:
                message = f"{kind.singular.capitalize()} already exists. Existing ID: {holder}"
                raise refused(409, message, "CONFLICT", context={"id": [holder], "propertyName": [name]})

    def _claim(self, record: Record) -> None:
        for name in self.properties.unique_of(record.kind):
            if value := record.properties.get(name):
                self.shelf(record.kind).unique[name, value.lower()] = record.id

    def _free(self, record: Record) -> None:
        for name in self.properties.unique_of(record.kind):
            self.shelf(record.kind).unique.pop((name, (record.properties.get(name) or "").lower()), None)
