"""SOAP as the Web Connector speaks it: eight operations, all of them texts and numbers, in versions 1.1 and 1.2."""
