"""The write protocol: how a decided draft becomes one effect in its target, whatever dies meanwhile.

``steps`` and ``rows`` are its words, ``writing`` its state machine, ``drain`` what sends. Runs, and what people decide,
enter what is to be written; whatever ends them, the ledger knows how far it came.
"""
