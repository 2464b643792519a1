"""Planted bugs."""
def plant(name: str) -> None:
    from wherry import resolving
    def resolved(target, flights):
        if not isinstance(target.sink, resolving.Asks):
            return [(one, resolving._nobody_knows(target, one)) for one in flights]
        finds = resolving.look(target, flights)
        left = resolving.not_told(flights, finds, "unknown")
        told = [(one, resolving._found(target, one, finds[one.stamp])) for one in flights if one.stamp in finds]
        return [*told, *left]
    resolving.resolved = resolved
