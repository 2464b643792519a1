"""Bodies that attack an XML endpoint: name → what is posted as a call of ``serverVersion``."""

from __future__ import annotations

from collections.abc import Mapping

TNS = "http://developer.intuit.com/"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"


def enveloped(body: str, *, before: str = "", header: str = "", space: str = SOAP, after: str = "") -> bytes:
    text = f'{before}<s:Envelope xmlns:s="{space}">{header}<s:Body>{body}</s:Body>{after}</s:Envelope>'
    return text.encode()


def _call(inside: str = "", *, attributes: str = "", name: str = "serverVersion") -> str:
    return f'<{name} xmlns="{TNS}"{attributes}>{inside}</{name}>'


def _laughs() -> str:
    rows = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return f'<!DOCTYPE lolz [<!ENTITY l0 "lol">{rows}]>'


ATTACKS: Mapping[str, bytes] = {
    "entity bomb": enveloped(_call("<ticket>&l9;</ticket>"), before=_laughs()),
    "quadratic blow-up": enveloped(
        _call(f"<ticket>{'&a;' * 50_000}</ticket>"), before=f'<!DOCTYPE x [<!ENTITY a "{"a" * 50_000}">]>'
    ),
    "external entity": enveloped(
        _call("<ticket>&x;</ticket>"), before='<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    ),
    "parameter entity": enveloped(_call(), before='<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:1/x.dtd"> %p;]>'),
    "empty document type": enveloped(_call(), before="<!DOCTYPE x>"),
    "document type behind a declaration": enveloped(_call(), before='<?xml version="1.0"?>\n<!DOCTYPE x>'),
    "200,000 nested elements": enveloped(_call("<a>" * 200_000 + "</a>" * 200_000)),
    "nested just under the count": enveloped(_call("<a>" * 50 + "</a>" * 50)),
    "100,000 attributes": enveloped(_call(attributes="".join(f' a{n}="{n}"' for n in range(100_000)))),
    "100,000 attributes that close tags": enveloped(_call(attributes="".join(f' a{n}=">"' for n in range(100_000)))),
    "one attribute of a megabyte": enveloped(_call(attributes=f' a="{"x" * 1_000_000}"')),
    "100,000 namespaces": enveloped(_call(attributes="".join(f' xmlns:a{n}="u"' for n in range(100_000)))),
    "a tag without end": b"<s:Envelope " + b"a" * 4_000_000,
    "open brackets alone": b"<" * 4_000_000,
    "quotes without end": b"<a " + b"b='\"" * 1_000_000,
    "sections of data without end": b"<a>" + b"<![CDATA[" * 500_000,
    "100,000 comments": enveloped("<!--a-->" * 100_000 + _call()),
    "a comment inside a value": enveloped(_call("ser<!-- -->ver")),
    "a stylesheet": enveloped(_call(), before='<?xml-stylesheet href="x"?>'),
    "UTF-16": ('<?xml version="1.0" encoding="utf-16"?>' + enveloped(_call()).decode()).encode("utf-16"),
    "UTF-16 without its mark": enveloped(_call()).decode().encode("utf-16-le"),
    "UTF-7": b'<?xml version="1.0" encoding="utf-7"?>+ADw-s:Envelope+AD4-',
    "UTF-7 declared": enveloped(_call(), before='<?xml version="1.0" encoding="utf-7"?>'),
    "EBCDIC": enveloped(_call()).decode().encode("cp500"),
    "Latin-1 declared": enveloped(_call(), before='<?xml version="1.0" encoding="iso-8859-1"?>'),
    "bytes that are no UTF-8": enveloped(_call("<ticket>X</ticket>")).replace(b"X", b"\xff\xfe"),
    "overlong UTF-8": enveloped(_call("<ticket>X</ticket>")).replace(b"X", b"\xc0\xbc"),
    "no byte at all": b"",
    "no XML": b"hello",
    "a zero byte": enveloped(_call()).replace(b"server", b"ser\0ver"),
    "an undeclared entity": enveloped(_call("&boom;")),
    "two bodies": enveloped(_call(), after=f"<s:Body>{_call(name='authenticate')}</s:Body>"),
    "two calls": enveloped(_call() + _call(name="authenticate")),
    "no call": enveloped(""),
    "another envelope": enveloped(_call(), space="urn:other"),
    "another namespace": enveloped('<serverVersion xmlns="urn:other"/>'),
    "no namespace": enveloped("<serverVersion/>"),
    "an unknown operation": enveloped(_call(name="deleteEverything")),
    "another operation than the header's": enveloped(_call(name="closeConnection")),
    "a call in the header": enveloped("", header=f"<s:Header>{_call()}</s:Header>"),
    "a header that must be understood": enveloped(
        _call(), header='<s:Header><x xmlns="urn:x" s:mustUnderstand="1"/></s:Header>'
    ),
    "two headers": enveloped(_call(), header="<s:Header/><s:Header/>"),
    "text beside the call": enveloped("text" + _call()),
    "an unknown parameter": enveloped(_call("<extra>1</extra>")),
    "a body without an envelope": _call().encode(),
    "wrapped elements with one id": enveloped(
        _call(attributes=' Id="1"'),
        header='<s:Header><w xmlns="urn:w">' + _call(attributes=' Id="1"') + "</w></s:Header>",
        after=f"<s:Body>{_call(name='authenticate')}</s:Body>",
    ),
}
