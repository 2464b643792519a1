"""The web host: routes of plugins, scoped tokens, health; no logic of its own. See ``routes`` for what a plugin gives.

Only ``app`` and ``server`` need Starlette and uvicorn, the extra ``serve``; everything else is there without them.
"""
