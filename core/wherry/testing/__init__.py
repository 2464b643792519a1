"""The kit that plugin authors and the core's own tests share. It imports everything; nothing imports it."""
