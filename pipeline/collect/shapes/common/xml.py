"""XML of unknown origin, read without following anything that it refers to."""

from __future__ import annotations

from lxml import etree

Element = etree._Element


def root_of(document: bytes) -> Element:
    """The root of a document, without comments. ValueError when it is not XML, or when a part of
    its text stands elsewhere: an entity is not followed, and a text without it is not whole."""
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(document, parser)
    except etree.XMLSyntaxError as error:
        raise ValueError(f"not XML: {error}") from error
    entity = next(root.iter(etree.Entity), None)
    if entity is not None:
        raise ValueError(f"holds the entity {entity.text}, which is not followed")
    return root
